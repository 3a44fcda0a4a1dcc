#include "connectors/smtp/address_token.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "connectors/sdk/flags.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::smtp {
namespace {

constexpr char kDigits[] = "abcdefghijklmnopqrstuvwxyz234567";
constexpr size_t kCodeBytes = 8;  // 64 bits: guessing needs 2^63 mails

char LetterOf(AddressKind kind) {
  return kind == AddressKind::kBounce ? 'b' : 'u';
}

std::string Code(std::string_view text, std::string_view key) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return std::string(reinterpret_cast<const char*>(mac), kCodeBytes);
}

std::string CodeFor(const TokenAddress& address, std::string_view key) {
  return Code(LetterOf(address.kind) + address.attempt, key);
}

absl::Status KeyWrong(const std::string& words) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "TOKEN_KEY_WRONG", words);
}

// Whole and synced under a name of its own, then linked: of two connectors that make it at once one wins.
absl::Status MakeKeyFile(const std::string& file) {
  std::string temporary = fmt::format("{}.{}", file, base::ToHex(base::RandomBytes16()));
  int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  std::string text = base::ToHex(base::RandomBytes16() + base::RandomBytes16()) + "\n";
  bool written =
      fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  bool linked = written && (link(temporary.c_str(), file.c_str()) == 0 || errno == EEXIST);
  int error = errno;
  unlink(temporary.c_str());
  if (linked) return absl::OkStatus();
  return KeyWrong(
      fmt::format("cannot make the key file {}: {}; name a folder that this connector may write to", file,
                  strerror(error)));
}

}  // namespace

std::string Base32(std::string_view bytes) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (have += 8; have >= 5; have -= 5) out.push_back(kDigits[bits >> (have - 5) & 31]);
  }
  if (have > 0) out.push_back(kDigits[bits << (5 - have) & 31]);
  return out;
}

std::optional<std::string> FromBase32(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int have = 0;
  for (char c : base::LowerAscii(text)) {
    const char* digit = c == '\0' ? nullptr : strchr(kDigits, c);
    if (!digit) return std::nullopt;
    bits = bits << 5 | static_cast<uint32_t>(digit - kDigits);
    have += 5;
    if (have < 8) continue;
    have -= 8;
    out.push_back(static_cast<char>(bits >> have & 0xFF));
  }
  if (have >= 5 || (bits & ((1u << have) - 1)) != 0) return std::nullopt;
  return out;
}

std::string LocalPartFor(const TokenAddress& address, std::string_view key) {
  return fmt::format("{}+{}.{}", LetterOf(address.kind), Base32(address.attempt),
                     Base32(CodeFor(address, key)));
}

std::optional<TokenAddress> ReadLocalPart(std::string_view local, std::string_view key) {
  if (local.size() < 2 || local[1] != '+') return std::nullopt;
  TokenAddress address;
  switch (local[0]) {
    case 'b':
    case 'B':
      address.kind = AddressKind::kBounce;
      break;
    case 'u':
    case 'U':
      address.kind = AddressKind::kUnsubscribe;
      break;
    default:
      return std::nullopt;
  }
  std::string_view token = local.substr(2);
  size_t dot = token.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  auto attempt = FromBase32(token.substr(0, dot)), code = FromBase32(token.substr(dot + 1));
  if (!attempt || !code || attempt->size() != kAttemptBytes || code->size() != kCodeBytes)
    return std::nullopt;
  address.attempt = *attempt;
  if (CRYPTO_memcmp(CodeFor(address, key).data(), code->data(), kCodeBytes) != 0) return std::nullopt;
  return address;
}

std::string MessageIdFor(std::string_view attempt, std::string_view domain, std::string_view key) {
  return fmt::format("{}@{}.{}", base::ToHex(attempt), Base32(Code(fmt::format("m{}", attempt), key)),
                     domain);
}

std::optional<std::string> AttemptOfMessageId(std::string_view message_id, std::string_view key) {
  message_id = base::TrimAscii(message_id);
  if (message_id.starts_with('<')) message_id.remove_prefix(1);
  const size_t at = message_id.find('@'), dot = message_id.find('.', at);
  if (at != 2 * kAttemptBytes || dot == std::string_view::npos) return std::nullopt;
  std::string attempt = base::FromHex(base::LowerAscii(message_id.substr(0, at)));
  auto code = FromBase32(message_id.substr(at + 1, dot - at - 1));
  if (attempt.size() != kAttemptBytes || !code || code->size() != kCodeBytes) return std::nullopt;
  if (CRYPTO_memcmp(Code("m" + attempt, key).data(), code->data(), kCodeBytes) != 0) return std::nullopt;
  return attempt;
}

std::optional<std::string> AttemptNamedIn(std::string_view text, std::string_view key) {
  auto is_token = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7') || c == '.';
  };
  for (size_t at = text.find('+'); at != std::string_view::npos; at = text.find('+', at + 1)) {
    size_t end = at + 1;
    while (end < text.size() && is_token(text[end])) ++end;
    if (at == 0 || end - at < kAttemptBytes) continue;
    if (auto address = ReadLocalPart(text.substr(at - 1, end - at + 1), key)) return address->attempt;
  }
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (at < 2 * kAttemptBytes) continue;
    if (auto attempt = AttemptOfMessageId(text.substr(at - 2 * kAttemptBytes, 128), key)) return attempt;
  }
  return std::nullopt;
}

absl::StatusOr<std::string> LoadOrMakeTokenKey(const std::string& file) {
  struct stat found {};
  if (stat(file.c_str(), &found) != 0) {
    PHAROS_RETURN_IF_ERROR(MakeKeyFile(file));
    if (stat(file.c_str(), &found) != 0) return KeyWrong(fmt::format("cannot read the key file {}", file));
  }
  if ((found.st_mode & 077) != 0)
    return KeyWrong(fmt::format("others may read the key file {}; run: chmod 600 {}", file, file));
  PHAROS_ASSIGN_OR_RETURN(std::string hex, sdk::FirstLineOf(file));
  std::string key = base::FromHex(hex);
  if (key.size() != kTokenKeyBytes)
    return KeyWrong(
        fmt::format("{} must hold 64 hex digits; remove it and a new one is made (bounces and "
                    "unsubscribe mails for what was sent before are then not recognised)",
                    file));
  return key;
}

}  // namespace pharos::smtp
