#include "services/audience/scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
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
    std::array<uint16_t, kMostInArray> found;
    size_t count = 0;
    for (size_t at = 0; at < kWords; ++at) {
      for (uint64_t left = words[at]; left != 0; left &= left - 1)
        found[count++] = static_cast<uint16_t>(at * 64 + static_cast<size_t>(std::countr_zero(left)));
    }
    bodies_.append(reinterpret_cast<const char*>(found.data()), count * sizeof(found[0]));
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

uint16_t DayOfDate(int64_t packed_date) {
  constexpr int64_t kFirstYear = 1870, kMonths = 12, kDays = 31, kYear = kMonths * kDays;
  if (packed_date <= 0) return 0;
  const int64_t year = packed_date / 10000, month = packed_date / 100 % 100, day = packed_date % 100;
  // Numbers that are no dates, as bounds may be, lie between those that are.
  int64_t within = 0;
  if (month > kMonths) within = kYear - 1;
  if (month >= 1 && month <= kMonths)
    within = (month - 1) * kDays + std::clamp<int64_t>(day - 1, 0, kDays - 1);
  return static_cast<uint16_t>(std::clamp<int64_t>((year - kFirstYear) * kYear + within, 1, UINT16_MAX));
}

uint16_t DayOfMoment(int64_t micros) {
  constexpr int64_t kDayUs = 86'400'000'000;
  if (micros <= 0) return 0;
  return static_cast<uint16_t>(std::min<int64_t>(micros / kDayUs + 1, UINT16_MAX));
}

namespace {

// Whether the codes of 64 people lie between `low` and `high`, or are one of them.
struct Codes {
  uint64_t in = 0, edge = 0;
};
Codes CompareCodes(const uint16_t* days, uint16_t low, uint16_t high) {
  Codes codes;
#if defined(__SSE2__)
  const __m128i sign = _mm_set1_epi16(INT16_MIN);  // there is no comparison of unsigned numbers
  const __m128i lows = _mm_set1_epi16(static_cast<int16_t>(low ^ 0x8000));
  const __m128i highs = _mm_set1_epi16(static_cast<int16_t>(high ^ 0x8000));
  const auto* from = reinterpret_cast<const __m128i*>(days);
  for (int sixteen = 0; sixteen < 4; ++sixteen) {
    __m128i in[2], edge[2];
    for (int half = 0; half < 2; ++half) {
      const __m128i day = _mm_xor_si128(_mm_loadu_si128(from + sixteen * 2 + half), sign);
      in[half] = _mm_and_si128(_mm_cmpgt_epi16(day, lows), _mm_cmplt_epi16(day, highs));
      edge[half] = _mm_or_si128(_mm_cmpeq_epi16(day, lows), _mm_cmpeq_epi16(day, highs));
    }
    const auto bits = [&](const __m128i* of) {
      return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(of[0], of[1]))));
    };
    codes.in |= bits(in) << (sixteen * 16);
    codes.edge |= bits(edge) << (sixteen * 16);
  }
#else
  for (size_t bit = 0; bit < 64; ++bit) {
    codes.in |= static_cast<uint64_t>(days[bit] > low && days[bit] < high) << bit;
    codes.edge |= static_cast<uint64_t>(days[bit] == low || days[bit] == high) << bit;
  }
#endif
  return codes;
}

template <typename Value>
Roaring ScanDays(const std::vector<uint16_t>& days, const std::vector<Value>& values, int64_t low,
                 int64_t high, uint16_t low_day, uint16_t high_day) {
  if (low >= high) return Roaring();
  const auto test = [&](size_t at) { return values[at] >= low && values[at] < high; };
  const auto word = [&](size_t at) {
    const Codes codes = CompareCodes(&days[at], low_day, high_day);
    uint64_t found = codes.in;
    for (uint64_t left = codes.edge; left != 0; left &= left - 1) {
      const auto bit = static_cast<size_t>(std::countr_zero(left));
      found |= static_cast<uint64_t>(test(at + bit)) << bit;
    }
    return found;
  };
  return Scan(days.size(), word, test);
}

template <typename Value>
Roaring Pick(const Roaring& people, const std::vector<Value>& values, int64_t low, int64_t high) {
  std::vector<uint32_t> found;
  for (const uint32_t person : people) {
    if (values[person] >= low && values[person] < high) found.push_back(person);
  }
  return Roaring(found.size(), found.data());
}

}  // namespace

Roaring ScanRange(const std::vector<uint16_t>& days, const std::vector<int32_t>& dates, int64_t low,
                  int64_t high) {
  return ScanDays(days, dates, low, high, DayOfDate(low), DayOfDate(high));
}

Roaring ScanRange(const std::vector<uint16_t>& days, const std::vector<int64_t>& moments, int64_t low,
                  int64_t high) {
  return ScanDays(days, moments, low, high, DayOfMoment(low), DayOfMoment(high));
}

Roaring PickRange(const Roaring& people, const std::vector<int32_t>& dates, int64_t low, int64_t high) {
  return Pick(people, dates, low, high);
}

Roaring PickRange(const Roaring& people, const std::vector<int64_t>& moments, int64_t low, int64_t high) {
  return Pick(people, moments, low, high);
}

Roaring ScanSymbols(const std::vector<uint32_t>& column, const std::vector<char>& wanted) {
  const auto test = [&](size_t at) { return wanted[column[at]] != 0; };
  return Scan(
      column.size(), [&](size_t at) { return WordOf(at, test); }, test);
}

}  // namespace pharos::audience
