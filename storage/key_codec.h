// Keys: an ordered encoding of tuples. A key is a table tag (one byte) followed by parts; encoded keys sort
// as the tuples do.
//   string part: bytes with 0x00 → 0x00 0xFF, ended by 0x00 0x01 (so that no part is a prefix of another)
//   u64 part:    8 bytes, big endian
//   raw part:    bytes of a fixed length that both sides know (blind indexes, ids)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pharos::storage {

class KeyWriter {
 public:
  explicit KeyWriter(uint8_t table) {
    key_.reserve(kUsualBytes);
    key_.push_back(static_cast<char>(table));
  }
  KeyWriter& String(std::string_view part);
  KeyWriter& U64(uint64_t part);
  KeyWriter& Raw(std::string_view part);
  const std::string& str() const { return key_; }
  operator std::string() const { return key_; }  // NOLINT: a key is a string
  operator std::string_view() const { return key_; }

 private:
  static constexpr size_t kUsualBytes = 112;  // one allocation for most keys
  std::string key_;
};

// Reads the parts back in order; ok() turns false on a key that was not written by KeyWriter.
class KeyReader {
 public:
  explicit KeyReader(std::string_view key) : rest_(key.substr(key.empty() ? 0 : 1)) {}
  std::string String();
  uint64_t U64();
  std::string Raw(size_t length);
  bool ok() const { return ok_; }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// Tables 0xF0–0xFF belong to storage itself.
inline constexpr uint8_t kRememberedTable = 0xF0;  // answers by request id
inline constexpr uint8_t kMetaTable = 0xF1;        // format number
inline constexpr uint8_t kChangeTable = 0xF2;      // change log by position

}  // namespace pharos::storage
