// Which cells of a table are kept back, so that none that is too small can be worked out. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "services/audience/disclosure.h"
#include "services/audience/table_lines.h"

namespace pharos::audience {

enum class CellState : uint8_t {
  kTold,
  kPrimary,    // too few, and said so
  kSecondary,  // kept back; nothing is said of how many
  kHeld,       // the guard keeps it back: its number may be big, and may not be worked out either
};

// `held`: cells that the guard keeps back, one for each cell of the grid, or empty. `whole_held`: the sum of
// all may not be worked out.
std::vector<CellState> KeepBack(const Grid& grid, const RuleSet& rules, const std::vector<bool>& held,
                                bool whole_held);

}  // namespace pharos::audience
