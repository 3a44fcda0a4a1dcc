#include "services/audience/checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "services/base/errors.h"

namespace pharos::audience {
namespace {

constexpr std::string_view kMagic = "PHAUDCK1";
constexpr size_t kPiece = 4u << 20;  // of the index's file
constexpr int kPipe = 1 << 20;
constexpr size_t kMostEnvelope = kPiece + 256;  // what sealing adds is some 40 bytes

absl::Status Failed(std::string_view what) {
  return base::MakeError(
      absl::StatusCode::kUnavailable, "CHECKPOINT_FAILED",
      fmt::format("the checkpoint of the audience index could not be {}: is there space in "
                  "the data folder and in /dev/shm?",
                  what),
      {});
}
absl::Status Damaged() {
  return base::MakeError(absl::StatusCode::kDataLoss, "CHECKPOINT_DAMAGED",
                         "the checkpoint of the audience index is damaged: it is left out, and everybody is "
                         "read from the customer service",
                         {});
}

// A folder in memory that only we can read, gone with this object.
class MemoryFolder {
 public:
  MemoryFolder() {
    char name[] = "/dev/shm/pharos-audience-XXXXXX";
    if (mkdtemp(name) != nullptr) path_ = name;
  }
  ~MemoryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  bool ok() const { return !path_.empty(); }
  std::string file() const { return path_ + "/index"; }

 private:
  std::string path_;
};

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;
File Open(const std::string& path, const char* mode) {
  return File(std::fopen(path.c_str(), mode));
}

std::string Place(uint64_t number, bool last) {
  return fmt::format("audience checkpoint {} {}", number, last ? "last" : "more");
}

bool WriteLength(std::FILE* to, uint32_t length) {
  const uint8_t bytes[4] = {static_cast<uint8_t>(length), static_cast<uint8_t>(length >> 8),
                            static_cast<uint8_t>(length >> 16), static_cast<uint8_t>(length >> 24)};
  return std::fwrite(bytes, 1, sizeof(bytes), to) == sizeof(bytes);
}
// False at the end, and for a length that no piece has.
bool ReadLength(std::FILE* from, size_t& length) {
  uint8_t bytes[4];
  if (std::fread(bytes, 1, sizeof(bytes), from) != sizeof(bytes)) return false;
  length = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<size_t>(bytes[3]) << 24;
  return length > 0 && length <= kMostEnvelope;
}

bool SealInto(std::FILE* from, const storage::DataKey& key, std::FILE* to) {
  if (std::fwrite(kMagic.data(), 1, kMagic.size(), to) != kMagic.size()) return false;
  std::string piece(kPiece, '\0');
  for (uint64_t number = 0;; ++number) {
    const size_t read = std::fread(piece.data(), 1, kPiece, from);
    if (std::ferror(from) != 0) return false;
    const bool last = read < kPiece;
    const std::string sealed =
        storage::Seal(key, std::string_view(piece).substr(0, read), Place(number, last));
    if (!WriteLength(to, static_cast<uint32_t>(sealed.size()))) return false;
    if (std::fwrite(sealed.data(), 1, sealed.size(), to) != sealed.size()) return false;
    if (last) return std::fflush(to) == 0 && fsync(fileno(to)) == 0;
  }
}

bool WriteAll(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(to, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// Whoever reads may stop before the end: then that is what has gone wrong, not this.
absl::Status UnsealInto(std::FILE* from, storage::KeyRing& keys, int to) {
  std::string magic(kMagic.size(), '\0'), sealed;
  if (std::fread(magic.data(), 1, magic.size(), from) != magic.size() || magic != kMagic) return Damaged();
  for (uint64_t number = 0;; ++number) {
    size_t length = 0;
    if (!ReadLength(from, length)) return Damaged();
    sealed.resize(length);
    if (std::fread(sealed.data(), 1, length, from) != length) return Damaged();
    const int next = std::fgetc(from);
    const bool last = next == EOF;
    if (!last) std::ungetc(next, from);
    PHAROS_ASSIGN_OR_RETURN(const std::string piece, storage::Unseal(keys, sealed, Place(number, last)));
    if (!WriteAll(to, piece) || last) return absl::OkStatus();
  }
}

// What is written to a pipe that nobody reads any more is an error of the call, not the end of the process.
void IgnoreBrokenPipes() {
  sigset_t broken;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken, nullptr);
}

// Unseals into a pipe while the index reads from it, so that neither waits for the other's end.
absl::Status LoadPiped(std::FILE* from, storage::KeyRing& keys, PeopleIndex& index) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Failed("read");
  ::fcntl(ends[1], F_SETPIPE_SZ, kPipe);  // a larger one saves turns; without it goes as well
  absl::Status unsealed;
  std::thread unsealing([&] {
    IgnoreBrokenPipes();
    unsealed = UnsealInto(from, keys, ends[1]);
    ::close(ends[1]);
  });
  absl::Status loaded = index.Load(fmt::format("/proc/self/fd/{}", ends[0]));
  ::close(ends[0]);
  unsealing.join();
  if (unsealed.ok()) return loaded;
  if (loaded.ok()) index.Reset();
  return unsealed;
}

}  // namespace

Checkpoint::Checkpoint(std::string folder, storage::KeyRing& keys)
    : file_(std::move(folder) + "/people.checkpoint"), keys_(keys) {}

void Checkpoint::Prepare() const {
  if (next_.id != 0) return;
  if (auto key = keys_.Fresh(); key.ok()) next_ = *std::move(key);
}

absl::Status Checkpoint::Save(const PeopleIndex& index) const {
  const MemoryFolder memory;
  if (!memory.ok()) return Failed("written");
  PHAROS_RETURN_IF_ERROR(index.Save(memory.file()));
  Prepare();
  if (next_.id == 0) return Failed("sealed");
  const storage::DataKey key = std::exchange(next_, {});
  const std::string fresh = file_ + ".new";
  const File from = Open(memory.file(), "rb");
  File to = Open(fresh, "wb");
  if (from == nullptr || to == nullptr || !SealInto(from.get(), key, to.get())) return Failed("written");
  to.reset();
  if (std::rename(fresh.c_str(), file_.c_str()) != 0) return Failed("written");
  Prepare();
  return absl::OkStatus();
}

absl::Status Checkpoint::LoadFile(const std::string& file, storage::KeyRing& keys, PeopleIndex& index) {
  const File from = Open(file, "rb");
  if (from == nullptr) return absl::NotFoundError("");
  const absl::Status status = LoadPiped(from.get(), keys, index);
  if (absl::IsDataLoss(status)) std::remove(file.c_str());
  return status;
}

}  // namespace pharos::audience
