#include "services/base/ids.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <cstdlib>

#include "services/base/mutex.h"

namespace pharos::base {
namespace {

constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford: no i, l, o, u
constexpr size_t kTimeBytes = 6;
constexpr size_t kMaxSegment = 128;
constexpr size_t kMaxChosenId = 63;

void FillRandom(uint8_t* bytes, size_t count) {
  // An id that could be guessed or repeated is worse than no process.
  if (RAND_bytes(bytes, static_cast<int>(count)) != 1) std::abort();
}

constexpr std::array<int8_t, 256> DigitTable() {
  std::array<int8_t, 256> digits{};
  for (auto& digit : digits) digit = -1;
  for (int8_t i = 0; kAlphabet[i] != '\0'; ++i) digits[static_cast<unsigned char>(kAlphabet[i])] = i;
  return digits;
}
constexpr std::array<int8_t, 256> kDigitOf = DigitTable();

int DigitOf(char c) {
  return kDigitOf[static_cast<unsigned char>(c)];
}

// Adds one to the number that the bytes are; an overflow of 80 random bits carries into the time, which keeps
// the order.
void Increment(Bytes16& bytes) {
  for (size_t i = bytes.size(); i-- > 0;) {
    if (++bytes[i] != 0) return;
  }
}

class IdSource {
 public:
  std::string Next(int64_t wall_micros) {
    const uint64_t millis = wall_micros > 0 ? static_cast<uint64_t>(wall_micros) / 1000 : 0;
    MutexLock lock(mutex_);
    if (millis > last_millis_ || !started_) {
      Start(millis);
    } else {
      Increment(last_);  // same millisecond, or a clock that stepped back
    }
    std::string id(kIdLength, '0');
    WriteId(last_, id.data());
    return id;
  }

 private:
  void Start(uint64_t millis) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    started_ = true;
    last_millis_ = millis;
    for (size_t i = 0; i < kTimeBytes; ++i)
      last_[i] = static_cast<uint8_t>(millis >> (8 * (kTimeBytes - 1 - i)));
    FillRandom(last_.data() + kTimeBytes, last_.size() - kTimeBytes);
    last_[kTimeBytes] &= 0x7f;  // room to count up
  }

  Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_millis_ ABSL_GUARDED_BY(mutex_) = 0;
  Bytes16 last_ ABSL_GUARDED_BY(mutex_){};
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsLowerOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string NewId(int64_t wall_micros) {
  static IdSource source;
  return source.Next(wall_micros);
}

// 26 digits of five bits, the first one holding the top three.
void WriteId(const Bytes16& bytes, char* to) {
  unsigned __int128 value = 0;
  for (uint8_t byte : bytes) value = value << 8 | byte;
  for (size_t i = kIdLength; i-- > 0; value >>= 5) to[i] = kAlphabet[static_cast<unsigned>(value & 31)];
}

std::optional<Bytes16> ReadId(std::string_view id) {
  constexpr int kMostOfFirst = 7;
  if (id.size() != kIdLength) return std::nullopt;
  unsigned __int128 value = 0;
  for (size_t i = 0; i < kIdLength; ++i) {
    const int digit = DigitOf(id[i]);
    if (digit < 0 || (i == 0 && digit > kMostOfFirst)) return std::nullopt;
    value = value << 5 | static_cast<unsigned>(digit);
  }
  Bytes16 bytes;
  for (size_t i = bytes.size(); i-- > 0; value >>= 8) bytes[i] = static_cast<uint8_t>(value);
  return bytes;
}

std::string RandomBytes16() {
  Bytes16 bytes;
  FillRandom(bytes.data(), bytes.size());
  return std::string(bytes.begin(), bytes.end());
}

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

std::string FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return "";
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexDigit(hex[i]), low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) return "";
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

bool SameBytes(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
         reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

std::string Segment(std::string_view name, std::string_view collection) {
  if (name.size() <= collection.size() + 1 || !name.starts_with(collection) || name[collection.size()] != '/')
    return "";
  const std::string_view segment = name.substr(collection.size() + 1);
  if (segment.size() > kMaxSegment || segment.find('/') != std::string_view::npos) return "";
  return std::string(segment);
}

bool IsChosenId(std::string_view id) {
  if (id.empty() || id.size() > kMaxChosenId || !IsLowerOrDigit(id.front()) || !IsLowerOrDigit(id.back()))
    return false;
  for (char c : id) {
    if (!IsLowerOrDigit(c) && c != '-') return false;
  }
  return true;
}

}  // namespace pharos::base
