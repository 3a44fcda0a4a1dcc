// Columns to bitmaps: whose value lies in a range.
#pragma once

#include <cstdint>
#include <roaring/roaring.hh>
#include <vector>

namespace pharos::audience {

// Days in two bytes, so that a scan reads a quarter and less of the column itself. A later value has no lower
// code; 0 is no value's but that of 0 and less. Days before 1870 share a code, and those after 2045; moments
// are by days of UTC until 2149.
uint16_t DayOfDate(int64_t packed_date);
uint16_t DayOfMoment(int64_t micros);

// low <= value < high, by number. `days`: the code of each value. Values are looked at only where the code
// does not decide.
Roaring ScanRange(const std::vector<uint16_t>& days, const std::vector<int32_t>& dates, int64_t low,
                  int64_t high);
Roaring ScanRange(const std::vector<uint16_t>& days, const std::vector<int64_t>& moments, int64_t low,
                  int64_t high);
// Of `people` only: quicker where they are few.
Roaring PickRange(const Roaring& people, const std::vector<int32_t>& dates, int64_t low, int64_t high);
Roaring PickRange(const Roaring& people, const std::vector<int64_t>& moments, int64_t low, int64_t high);
// Those whose symbol is among `wanted`, which is as long as there are symbols.
Roaring ScanSymbols(const std::vector<uint32_t>& column, const std::vector<char>& wanted);

}  // namespace pharos::audience
