// Knows of most keys that are not there that they are not there (a Bloom filter), which spares the round trip
// to ask: an import looks for many things that are new. Needs to have been told of every key first. Not
// thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace pharos::storage::sql {

class KeyFilter {
 public:
  KeyFilter() : words_(kBits / 64) {}

  void Add(std::string_view key) {
    for (const size_t bit : BitsOf(key)) words_[bit / 64] |= uint64_t{1} << (bit % 64);
  }
  // From here on every key that is there has been added.
  void Complete() { complete_ = true; }
  // True: the key is not there for certain.
  bool Misses(std::string_view key) const {
    if (!complete_) return false;
    for (const size_t bit : BitsOf(key)) {
      if ((words_[bit / 64] >> (bit % 64) & 1) == 0) return true;
    }
    return false;
  }

  // 8 MiB: one key in fifty is asked for in vain with 8 million keys, half of them with 40 million.
  static constexpr size_t kBits = size_t{1} << 26;
  static constexpr size_t kProbes = 4;

 private:
  static std::array<size_t, kProbes> BitsOf(std::string_view key) {
    const uint64_t hash = std::hash<std::string_view>{}(key);
    const uint64_t step = (hash >> 32) | 1;
    std::array<size_t, kProbes> bits{};
    for (size_t i = 0; i < kProbes; ++i) bits[i] = (hash + i * step) % kBits;
    return bits;
  }

  std::vector<uint64_t> words_;
  bool complete_ = false;
};

}  // namespace pharos::storage::sql
