#include "services/audience/table_lines.h"

#include <algorithm>
#include <numeric>

namespace pharos::audience {
namespace {

using Keys = std::array<uint32_t, kMostLineDimensions>;

Keys Without(Keys keys, uint32_t summed_over) {
  for (size_t d = 0; d < keys.size(); ++d) {
    if ((summed_over >> d & 1u) != 0) keys[d] = 0;
  }
  return keys;
}

}  // namespace

TableLines::TableLines(const Grid& grid) : of_(grid.keys.size()) {
  for (uint32_t summed_over = 1; summed_over < (1u << grid.dimensions); ++summed_over) Add(grid, summed_over);
}

void TableLines::Add(const Grid& grid, uint32_t summed_over) {
  std::vector<std::pair<Keys, uint32_t>> order;
  order.reserve(grid.keys.size());
  for (uint32_t cell = 0; cell < grid.keys.size(); ++cell) {
    order.emplace_back(Without(grid.keys[cell], summed_over), cell);
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || order[i].first != order[i - 1].first) {
      lines_.emplace_back();
      lines_.back().whole = summed_over + 1 == (1u << grid.dimensions);
    }
    const uint32_t cell = order[i].second;
    lines_.back().cells.push_back(cell);
    lines_.back().sum += grid.counts[cell];
    of_[cell].push_back(static_cast<uint32_t>(lines_.size() - 1));
  }
}

}  // namespace pharos::audience
