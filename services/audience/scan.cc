#include "services/audience/scan.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pharos::audience {
namespace {

constexpr size_t kChunk = 1u << 16, kWords = kChunk / 64;

// A bitmap from words, by the portable format (github.com/RoaringBitmap/RoaringFormatSpec): quicker than
// adding number by number. Containers of more than 4,096 are bitsets, others sorted arrays.
class Builder {
 public:
  void Add(uint16_t key, const uint64_t* words) {
    uint32_t count = 0;
    for (size_t at = 0; at < kWords; ++at) count += static_cast<uint32_t>(std::popcount(words[at]));
    if (count == 0) return;
    Put(heads_, key);
    Put(heads_, static_cast<uint16_t>(count - 1));
    starts_.push_back(static_cast<uint32_t>(bodies_.size()));
    if (count > kMostInArray) {
      bodies_.append(reinterpret_cast<const char*>(words), kWords * sizeof(*words));
    } else {
      AddArray(words);
    }
  }
  Roaring Finish() {
    if (starts_.empty()) return Roaring();
    constexpr uint32_t kNoRuns = 12346;
    std::string whole;
    whole.reserve(bodies_.size() + starts_.size() * 8 + 8);
    Put(whole, kNoRuns);
    Put(whole, static_cast<uint32_t>(starts_.size()));
    whole += heads_;
    const size_t first = whole.size() + starts_.size() * sizeof(uint32_t);
    for (const uint32_t start : starts_) Put(whole, static_cast<uint32_t>(first + start));
    whole += bodies_;
    return Roaring::readSafe(whole.data(), whole.size());
  }

 private:
  static constexpr uint32_t kMostInArray = 4096;
  template <typename Number>
  static void Put(std::string& to, Number number) {  // little endian, as the machines we run on
    to.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void AddArray(const uint64_t* words) {
    for (size_t at = 0; at < kWords; ++at) {
      for (uint64_t left = words[at]; left != 0; left &= left - 1)
        Put(bodies_, static_cast<uint16_t>(at * 64 + static_cast<size_t>(std::countr_zero(left))));
    }
  }
  std::string heads_, bodies_;
  std::vector<uint32_t> starts_;
};

// `word(at)`: 64 people from number `at` on; `test(at)`: one.
template <typename WordOf, typename Test>
Roaring Scan(size_t size, WordOf word, Test test) {
  Builder builder;
  uint64_t words[kWords];
  for (size_t from = 0; from < size; from += kChunk) {
    std::memset(words, 0, sizeof(words));
    const size_t to = std::min(size, from + kChunk);
    size_t at = from;
    for (; at + 64 <= to; at += 64) words[(at - from) / 64] = word(at);
    for (; at < to; ++at) words[(at - from) / 64] |= static_cast<uint64_t>(test(at)) << (at % 64);
    builder.Add(static_cast<uint16_t>(from / kChunk), words);
  }
  return builder.Finish();
}

template <typename Test>
uint64_t WordOf(size_t at, Test test) {
  uint64_t word = 0;
  for (size_t bit = 0; bit < 64; ++bit) word |= static_cast<uint64_t>(test(at + bit)) << bit;
  return word;
}

}  // namespace

Roaring ScanRange(const std::vector<int32_t>& column, int64_t low, int64_t high) {
  // What lies outside the numbers that the column can hold changes nothing.
  low = std::max<int64_t>(low, std::numeric_limits<int32_t>::min() + 1);
  high = std::min<int64_t>(high, std::numeric_limits<int32_t>::max());
  if (low >= high) return Roaring();
  const auto test = [&](size_t at) { return column[at] >= low && column[at] < high; };
#if defined(__SSE2__)
  const __m128i below = _mm_set1_epi32(static_cast<int32_t>(low - 1));
  const __m128i above = _mm_set1_epi32(static_cast<int32_t>(high));
  const auto word = [&](size_t at) {
    uint64_t bits = 0;
    for (int four = 0; four < 16; ++four) {
      const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(&column[at]) + four);
      const __m128i in = _mm_and_si128(_mm_cmpgt_epi32(values, below), _mm_cmplt_epi32(values, above));
      bits |= static_cast<uint64_t>(_mm_movemask_ps(_mm_castsi128_ps(in))) << (four * 4);
    }
    return bits;
  };
  return Scan(column.size(), word, test);
#else
  return Scan(
      column.size(), [&](size_t at) { return WordOf(at, test); }, test);
#endif
}

Roaring ScanRange(const std::vector<int64_t>& column, int64_t low, int64_t high) {
  const auto test = [&](size_t at) { return column[at] >= low && column[at] < high; };
  return Scan(
      column.size(), [&](size_t at) { return WordOf(at, test); }, test);
}

Roaring ScanSymbols(const std::vector<uint32_t>& column, const std::vector<char>& wanted) {
  const auto test = [&](size_t at) { return wanted[column[at]] != 0; };
  return Scan(
      column.size(), [&](size_t at) { return WordOf(at, test); }, test);
}

}  // namespace pharos::audience
