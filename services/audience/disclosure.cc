#include "services/audience/disclosure.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "services/audience/suppression.h"

namespace pharos::audience {
namespace {

using Certainty = Told::Certainty;

Told Suppressed(const RuleSet& rules, std::string_view why) {
  return {Certainty::kSuppressed, -1, fmt::format("{}/{}", rules.name, why)};
}

// A number that is not too small.
Told Rounded(int64_t people, const RuleSet& rules, std::string_view why = "rounding") {
  const int64_t step = rules.round_to;
  if (step <= 1 || people == 0) return {Certainty::kExact, people, ""};
  return {Certainty::kRounded, (people + step / 2) / step * step, fmt::format("{}/{}", rules.name, why)};
}

bool IsSmall(int64_t people, const RuleSet& rules) {
  if (people == 0) return !rules.zero_shown;
  return people >= rules.suppress_from && people <= rules.suppress_to;
}

bool IsHeld(const Earlier& earlier) {
  return earlier.kind != Earlier::Kind::kNothing;
}

// What is told of a number that the guard has something against.
Told Held(const Earlier& earlier, const RuleSet& rules) {
  if (earlier.kind == Earlier::Kind::kNot) return Suppressed(rules, "differencing");
  Told told = Rounded(earlier.people, rules, "differencing");
  told.certainty = Certainty::kRounded;
  told.rule = fmt::format("{}/differencing", rules.name);
  return told;
}

Told Tell(int64_t people, CellState state, const Earlier& earlier, const RuleSet& rules) {
  switch (state) {
    case CellState::kTold:
      return Rounded(people, rules);
    case CellState::kPrimary:
      return Suppressed(rules, "primary");
    case CellState::kHeld:
      return Held(earlier, rules);
    case CellState::kSecondary:
      break;
  }
  return Suppressed(rules, "secondary");
}

Grid GridOf(std::span<const TableCell> cells) {
  Grid grid;
  grid.dimensions = cells.empty() ? 0 : cells.front().keys.size();
  std::vector<std::unordered_map<std::string_view, uint32_t>> numbers(grid.dimensions);
  for (const TableCell& cell : cells) {
    auto& keys = grid.keys.emplace_back();
    for (size_t d = 0; d < grid.dimensions; ++d) {
      keys[d] = numbers[d].try_emplace(cell.keys[d], static_cast<uint32_t>(numbers[d].size())).first->second;
    }
    grid.counts.push_back(cell.people);
  }
  return grid;
}

// The same with each cell twice: those in the measure, those not.
Grid GridOf(std::span<const TableCell> cells, const Grid& people, size_t measure) {
  Grid grid;
  grid.dimensions = people.dimensions + 1;
  for (size_t i = 0; i < cells.size(); ++i) {
    const int64_t in = cells[i].measures[measure];
    for (const bool inside : {true, false}) {
      auto keys = people.keys[i];
      keys[people.dimensions] = inside ? 0 : 1;
      grid.keys.push_back(keys);
      grid.counts.push_back(inside ? in : cells[i].people - in);
    }
  }
  return grid;
}

std::vector<CellState> PeopleStates(const Grid& grid, const RuleSet& rules, const EarlierCells& earlier) {
  std::vector<bool> held;
  for (const Earlier& one : earlier.people) held.push_back(IsHeld(one));
  return KeepBack(grid, rules, held, IsHeld(earlier.total));
}

void TellMeasure(std::span<const TableCell> cells, const Grid& people, const std::vector<CellState>& states,
                 size_t measure, const RuleSet& rules, const EarlierCells& earlier, ToldTable& table) {
  static const Earlier kNothing;
  std::vector<bool> held;
  for (const auto& one : earlier.measures) {
    held.push_back(IsHeld(one[measure]));
    held.push_back(false);
  }
  const Grid grid = GridOf(cells, people, measure);
  const auto inside = KeepBack(grid, rules, held, false);
  for (size_t i = 0; i < cells.size(); ++i) {
    CellState state = inside[2 * i];
    if (state == CellState::kTold && inside[2 * i + 1] != CellState::kTold) state = CellState::kSecondary;
    if (states[i] == CellState::kPrimary || states[i] == CellState::kSecondary) state = states[i];
    const Earlier& one = earlier.measures.empty() ? kNothing : earlier.measures[i][measure];
    table.cells[i].measures.push_back(Tell(cells[i].measures[measure], state, one, rules));
  }
}

// Made from what the cells tell, so that the rest cannot be worked out from it.
Told Resum(const std::vector<ToldCell>& cells, const RuleSet& rules) {
  Told total{Certainty::kExact, 0, ""};
  bool any = false;
  for (const ToldCell& cell : cells) {
    if (cell.people.certainty == Certainty::kSuppressed) {
      total.certainty = Certainty::kRounded;
      continue;
    }
    any = true;
    total.value += cell.people.value;
    if (cell.people.certainty == Certainty::kRounded) total.certainty = Certainty::kRounded;
  }
  if (!cells.empty() && !any) return Suppressed(rules, "secondary");
  if (total.certainty == Certainty::kRounded) total.rule = fmt::format("{}/resummed", rules.name);
  return total;
}

}  // namespace

Told Protect(int64_t people, const RuleSet& rules, const Earlier& earlier) {
  if (IsSmall(people, rules)) return Suppressed(rules, "primary");
  return IsHeld(earlier) ? Held(earlier, rules) : Rounded(people, rules);
}

ToldTable ProtectTable(std::span<const TableCell> cells, int64_t total,
                       const std::vector<bool>& set_dimensions, const RuleSet& rules,
                       const EarlierCells& earlier) {
  static const Earlier kNothing;
  ToldTable table;
  const Grid grid = GridOf(cells);
  const auto states = PeopleStates(grid, rules, earlier);
  for (size_t i = 0; i < cells.size(); ++i) {
    const Earlier& one = earlier.people.empty() ? kNothing : earlier.people[i];
    table.cells.push_back({Tell(cells[i].people, states[i], one, rules), {}});
  }
  const size_t measures = cells.empty() ? 0 : cells.front().measures.size();
  for (size_t m = 0; m < measures; ++m) TellMeasure(cells, grid, states, m, rules, earlier, table);
  const bool additive =
      std::none_of(set_dimensions.begin(), set_dimensions.end(), [](bool set) { return set; });
  table.total = additive ? Resum(table.cells, rules) : Protect(total, rules, earlier.total);
  return table;
}

}  // namespace pharos::audience
