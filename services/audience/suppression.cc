#include "services/audience/suppression.h"

#include <algorithm>
#include <tuple>

namespace pharos::audience {
namespace {

// Each round keeps back or blurs at least one cell; tables that need more rounds than this are kept back
// where it still matters.
constexpr int kMostRepairs = 64;
constexpr int kMostTightenings = 1000;  // of a reader's intervals; few tables need more than ten

struct Interval {
  int64_t low = 0, high = 0;
};

class Keeper {
 public:
  Keeper(const Grid& grid, const RuleSet& rules, const std::vector<bool>& held, bool whole_held)
      : grid_(grid), rules_(rules), whole_held_(whole_held), lines_(grid), states_(grid.counts.size()) {
    for (const int64_t count : grid.counts) whole_ += count;
    for (size_t cell = 0; cell < states_.size(); ++cell) {
      if (IsSmall(grid.counts[cell])) {
        states_[cell] = CellState::kPrimary;
      } else if (!held.empty() && held[cell]) {
        states_[cell] = CellState::kHeld;
      }
    }
    FindAlone();
  }

  std::vector<CellState> Run() {
    CloseLines();
    for (int repair = 0; rules_.secondary && repair < kMostRepairs; ++repair) {
      const std::vector<uint32_t> pinned = Pinned();
      if (pinned.empty()) break;
      for (const uint32_t cell : pinned) Repair(cell);
      CloseLines();
    }
    return std::move(states_);
  }

 private:
  bool PrimaryApplies() const { return rules_.denominator_below == 0 || whole_ < rules_.denominator_below; }
  bool IsSmall(int64_t people) const {
    return PrimaryApplies() && people >= rules_.suppress_from && people <= rules_.suppress_to;
  }

  // A cell that holds all people of a line is told by that line's sum.
  void FindAlone() {
    alone_.assign(states_.size(), false);
    for (const Line& line : lines_.all()) {
      if (IsSmall(line.sum)) continue;
      for (const uint32_t cell : line.cells) {
        if (grid_.counts[cell] == line.sum && line.sum > 0) alone_[cell] = true;
      }
    }
  }
  bool Known(uint32_t cell) const {
    return states_[cell] == CellState::kTold || (states_[cell] == CellState::kSecondary && alone_[cell]);
  }

  // Secondary suppression
  // ---------------------------------------------------------------------------------------------

  void CloseLines() {
    if (!rules_.secondary) return;
    for (bool changed = true; changed;) {
      changed = false;
      for (const Line& line : lines_.all()) changed = Close(line) || changed;
    }
  }

  bool Close(const Line& line) {
    bool changed = false;
    while (!Closed(line) && KeepBackSmallest(line)) changed = true;
    return changed;
  }

  bool Closed(const Line& line) const {
    int64_t unknown = 0, people = 0, least_others = INT64_MAX;
    bool any = false;
    for (const uint32_t cell : line.cells) {
      if (states_[cell] != CellState::kTold) any = true;
      if (Known(cell)) continue;
      ++unknown;
      people += grid_.counts[cell];
    }
    if (line.whole && whole_held_ && people < rules_.threshold()) return false;
    if (!any) return true;
    for (const uint32_t cell : line.cells) {
      if (states_[cell] == CellState::kHeld)
        least_others = std::min(least_others, people - grid_.counts[cell]);
    }
    if (unknown == 0) return true;  // only cells that their own sums tell
    return unknown >= 2 && people >= rules_.threshold() && least_others >= rules_.threshold();
  }

  // The smallest cell of the line that is told, those last that keeping back does not hide. False: there is
  // none.
  bool KeepBackSmallest(const Line& line) {
    int64_t best = -1;
    const auto before = [&](uint32_t a, uint32_t b) {
      return std::tuple(alone_[a], grid_.counts[a], a) < std::tuple(alone_[b], grid_.counts[b], b);
    };
    for (const uint32_t cell : line.cells) {
      if (states_[cell] != CellState::kTold || grid_.counts[cell] == 0) continue;
      if (best < 0 || before(cell, static_cast<uint32_t>(best))) best = cell;
    }
    if (best < 0 || alone_[best]) return false;
    states_[best] = CellState::kSecondary;
    return true;
  }

  // What a reader can work out
  // ----------------------------------------------------------------------------------------

  // From a number that is told.
  Interval FromTold(int64_t people) const {
    const int64_t told =
        rules_.round_to > 1 ? (people + rules_.round_to / 2) / rules_.round_to * rules_.round_to : people;
    Interval interval{told - rules_.round_to / 2, told + (rules_.round_to - 1) / 2};
    if (people > 0 && PrimaryApplies()) interval.low = std::max(interval.low, rules_.threshold());
    return interval;
  }
  Interval FromSum(int64_t people) const {
    return IsSmall(people) ? Interval{rules_.suppress_from, rules_.suppress_to} : FromTold(people);
  }
  Interval FromState(size_t cell) const {
    if (states_[cell] == CellState::kTold) {
      return grid_.counts[cell] == 0 ? Interval{0, 0} : FromTold(grid_.counts[cell]);
    }
    if (states_[cell] == CellState::kPrimary) return {rules_.suppress_from, rules_.suppress_to};
    return {0, whole_ + rules_.round_to};
  }

  // Small cells of which only one number is possible.
  std::vector<uint32_t> Pinned() {
    intervals_.resize(states_.size());
    for (size_t cell = 0; cell < states_.size(); ++cell) intervals_[cell] = FromState(cell);
    for (int round = 0; round < kMostTightenings; ++round) {
      bool changed = false;
      for (const Line& line : lines_.all()) changed = Tighten(line) || changed;
      if (!changed) break;
    }
    std::vector<uint32_t> pinned;
    for (uint32_t cell = 0; cell < states_.size(); ++cell) {
      if (states_[cell] == CellState::kTold || !IsSmall(grid_.counts[cell])) continue;
      if (intervals_[cell].low >= intervals_[cell].high) pinned.push_back(cell);
    }
    return pinned;
  }

  bool Tighten(const Line& line) {
    int64_t low = 0, high = 0;
    for (const uint32_t cell : line.cells) {
      low += intervals_[cell].low;
      high += intervals_[cell].high;
    }
    const Interval sum = FromSum(line.sum);
    bool changed = false;
    for (const uint32_t cell : line.cells) {
      Interval& interval = intervals_[cell];
      const int64_t least = sum.low - (high - interval.high), most = sum.high - (low - interval.low);
      if (least > interval.low) {
        low += least - interval.low;
        interval.low = least;
        changed = true;
      }
      if (most < interval.high) {
        high += most - interval.high;
        interval.high = most;
        changed = true;
      }
    }
    return changed;
  }

  // Keeps more back beside a cell that could be worked out: where a line has too few people altogether, it is
  // no longer said that its cells are not empty; else the smallest neighbour goes.
  void Repair(uint32_t cell) {
    bool blurred = false;
    for (const uint32_t number : lines_.of(cell)) {
      const Line& line = lines_.all()[number];
      if (!IsSmall(line.sum)) continue;
      for (const uint32_t other : line.cells) {
        if (states_[other] != CellState::kPrimary) continue;
        states_[other] = CellState::kSecondary;
        blurred = true;
      }
    }
    if (blurred) return;
    for (const uint32_t number : lines_.of(cell)) {
      if (KeepBackSmallest(lines_.all()[number])) return;
    }
    states_[cell] = CellState::kSecondary;
  }

  const Grid& grid_;
  const RuleSet& rules_;
  const bool whole_held_;
  const TableLines lines_;
  std::vector<CellState> states_;
  std::vector<bool> alone_;
  std::vector<Interval> intervals_;
  int64_t whole_ = 0;
};

}  // namespace

std::vector<CellState> KeepBack(const Grid& grid, const RuleSet& rules, const std::vector<bool>& held,
                                bool whole_held) {
  return Keeper(grid, rules, held, whole_held).Run();
}

}  // namespace pharos::audience
