// Columns to bitmaps: whose value lies in a range.
#pragma once

#include <cstdint>
#include <roaring/roaring.hh>
#include <vector>

namespace pharos::audience {

// low <= value < high, by number.
Roaring ScanRange(const std::vector<int32_t>& column, int64_t low, int64_t high);
Roaring ScanRange(const std::vector<int64_t>& column, int64_t low, int64_t high);
// Those whose symbol is among `wanted`, which is as long as there are symbols.
Roaring ScanSymbols(const std::vector<uint32_t>& column, const std::vector<char>& wanted);

}  // namespace pharos::audience
