// The lines of a table: for each choice of dimensions that are summed over, the cells that agree in all
// others. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pharos::audience {

inline constexpr size_t kMostLineDimensions = 5;  // the four of a question, and "in the measure or not"

// Cells as numbers: a key is the number of its value within its dimension.
struct Grid {
  size_t dimensions = 0;
  std::vector<std::array<uint32_t, kMostLineDimensions>> keys;  // one a cell
  std::vector<int64_t> counts;                                  // one a cell
};

struct Line {
  std::vector<uint32_t> cells;
  int64_t sum = 0;
  bool whole = false;  // all cells of the table
};

class TableLines {
 public:
  explicit TableLines(const Grid& grid);
  const std::vector<Line>& all() const { return lines_; }
  // The numbers of the lines that a cell is in.
  const std::vector<uint32_t>& of(size_t cell) const { return of_[cell]; }

 private:
  void Add(const Grid& grid, uint32_t summed_over);

  std::vector<Line> lines_;
  std::vector<std::vector<uint32_t>> of_;
};

}  // namespace pharos::audience
