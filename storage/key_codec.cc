#include "storage/key_codec.h"

#include "storage/store.h"

namespace pharos::storage {
namespace {
constexpr char kZero = '\0';
constexpr char kEscaped = '\xff';     // 0x00 0xFF: a zero byte of the part
constexpr char kTerminator = '\x01';  // 0x00 0x01: end of the part; sorts before an escaped zero
}  // namespace

KeyWriter& KeyWriter::String(std::string_view part) {
  if (part.find(kZero) == std::string_view::npos) {
    key_.append(part);
  } else {
    for (const char c : part) {
      key_.push_back(c);
      if (c == kZero) key_.push_back(kEscaped);
    }
  }
  key_.push_back(kZero);
  key_.push_back(kTerminator);
  return *this;
}

KeyWriter& KeyWriter::U64(uint64_t part) {
  for (int shift = 56; shift >= 0; shift -= 8) key_.push_back(static_cast<char>(part >> shift));
  return *this;
}

KeyWriter& KeyWriter::Raw(std::string_view part) {
  key_.append(part);
  return *this;
}

std::string KeyReader::String() {
  std::string part;
  if (const size_t zero = rest_.find(kZero); ok_ && zero != std::string_view::npos) part.reserve(zero);
  for (size_t i = 0; ok_ && i < rest_.size(); ++i) {
    if (rest_[i] != kZero) {
      part.push_back(rest_[i]);
      continue;
    }
    if (++i == rest_.size()) break;
    if (rest_[i] == kTerminator) {
      rest_.remove_prefix(i + 1);
      return part;
    }
    if (rest_[i] != kEscaped) break;
    part.push_back(kZero);
  }
  ok_ = false;
  return "";
}

uint64_t KeyReader::U64() {
  uint64_t part = 0;
  for (const char c : Raw(8)) part = part << 8 | static_cast<uint8_t>(c);
  return part;
}

std::string KeyReader::Raw(size_t length) {
  if (!ok_ || rest_.size() < length) {
    ok_ = false;
    return "";
  }
  std::string part(rest_.substr(0, length));
  rest_.remove_prefix(length);
  return part;
}

KeyRange PrefixRange(std::string_view prefix) {
  KeyRange range{std::string(prefix), std::string(prefix)};
  while (!range.end.empty() && range.end.back() == '\xff') range.end.pop_back();
  if (!range.end.empty()) range.end.back() = static_cast<char>(static_cast<uint8_t>(range.end.back()) + 1);
  return range;
}

}  // namespace pharos::storage
