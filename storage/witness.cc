#include "storage/witness.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "services/base/errors.h"
#include "services/base/log.h"

namespace pharos::storage {
namespace {

constexpr std::string_view kMagic = "PHWITNS1";
constexpr size_t kIncarnationBytes = 16;
constexpr size_t kBytes = kMagic.size() + kIncarnationBytes + 8 + 4;

// CRC-32C (Castagnoli, RFC 3720 appendix B.4), one byte at a time: it runs over 32 bytes a commit.
uint32_t Crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
      made[i] = crc;
    }
    return made;
  }();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = table[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

void AppendBigEndian(std::string& out, uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

std::string Encode(std::string_view incarnation, uint64_t sequence) {
  std::string text = std::string(kMagic) + std::string(incarnation);
  AppendBigEndian(text, sequence, 8);
  AppendBigEndian(text, Crc32c(text), 4);
  return text;
}

// False: it was not written by Encode.
bool Decode(std::string_view text, std::string& incarnation, uint64_t& sequence) {
  if (text.size() != kBytes || !text.starts_with(kMagic)) return false;
  incarnation = text.substr(kMagic.size(), kIncarnationBytes);
  sequence = 0;
  for (const char c : text.substr(kMagic.size() + kIncarnationBytes, 8))
    sequence = sequence << 8 | static_cast<uint8_t>(c);
  return Encode(incarnation, sequence) == text;
}

absl::Status Unusable(const std::string& file, int error) {
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "WITNESS_UNUSABLE",
      fmt::format("Cannot use the commit witness {}: {}. Make its folder writable for this user, or name "
                  "another with store.witness in pharos.toml.",
                  file, std::strerror(error)));
}
absl::Status Damaged(const std::string& file) {
  return base::MakeError(
      absl::StatusCode::kDataLoss, "WITNESS_DAMAGED",
      fmt::format("The commit witness {} is damaged, so nobody can say whether its store is whole. Check the "
                  "disk; if the store is known to be the newest, remove the file and start again.",
                  file));
}
absl::Status RolledBack(const std::string& file, std::string_view name, std::string_view what) {
  return base::MakeError(absl::StatusCode::kFailedPrecondition, "STORE_ROLLED_BACK",
                         fmt::format("The {} store {}. Opt-outs and sent messages that were acknowledged "
                                     "would be forgotten, so it does not start. "
                                     "Put the newest copy back. If it is lost, accept that by removing {} "
                                     "and starting again: then repeat the "
                                     "opt-outs taken since that copy before anything is sent.",
                                     name, what, file));
}

absl::Status WriteAll(int fd, const std::string& file, std::string_view text) {
  errno = 0;
  if (pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())) return absl::OkStatus();
  return Unusable(file, errno == 0 ? ENOSPC : errno);
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Unusable(folder, errno);
  const int synced = fsync(fd);
  const int error = errno;
  close(fd);
  return synced == 0 ? absl::OkStatus() : Unusable(folder, error);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Witness>> Witness::Open(const std::string& folder, std::string_view name,
                                                       std::string_view incarnation, uint64_t sequence) {
  const std::string file = fmt::format("{}/{}.witness", folder, name);
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_DSYNC | O_CLOEXEC, 0600);
  if (fd < 0) return Unusable(file, errno);
  std::unique_ptr<Witness> witness(new Witness(fd, file, std::string(incarnation)));
  std::string text(kBytes + 1, '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  if (got < 0) return Unusable(file, errno);
  text.resize(static_cast<size_t>(got));
  if (text.empty()) {
    base::Log(base::LogLevel::kWarning, "store.witness_begun", {{"store", std::string(name)}});
    PHAROS_RETURN_IF_ERROR(witness->Advance(sequence));
    PHAROS_RETURN_IF_ERROR(SyncFolder(folder));
    return witness;
  }
  std::string seen_incarnation;
  uint64_t seen = 0;
  if (!Decode(text, seen_incarnation, seen)) return Damaged(file);
  if (seen_incarnation != incarnation) return RolledBack(file, name, "is not the one that was in use here");
  if (seen > sequence)
    return RolledBack(file, name,
                      fmt::format("is an older copy: it ends at commit {}, but commit {} was acknowledged",
                                  sequence, seen));
  PHAROS_RETURN_IF_ERROR(witness->Advance(sequence));
  return witness;
}

std::optional<uint64_t> Witness::Seen(const std::string& folder, std::string_view name) {
  std::ifstream in(fmt::format("{}/{}.witness", folder, name), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  std::string incarnation;
  uint64_t sequence = 0;
  if (!Decode(text, incarnation, sequence)) return std::nullopt;
  return sequence;
}

Witness::~Witness() {
  close(fd_);
}

absl::Status Witness::Advance(uint64_t sequence) {
  return WriteAll(fd_, file_, Encode(incarnation_, sequence));
}

}  // namespace pharos::storage
