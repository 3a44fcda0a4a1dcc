// Disclosure control: what may be told of numbers about people to somebody who may not see the people. Rules
// are data (rule_sets.cc); applying them is pure: the same question has the same answer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/audience/people_index.h"

namespace pharos::audience {

// Sources: rule_sets.cc. Thresholds are on distinct people.
struct RuleSet {
  std::string name = {};      // "hes", "ukhsa", "opensafely"
  int64_t suppress_from = 1;  // primary: a cell in [from, to] is not told
  int64_t suppress_to = 7;
  int64_t round_to = 5;  // others to the nearest multiple; 1: as counted
  bool zero_shown = true;
  bool secondary = true;  // where the suppressed cells of a line could be worked out from its total, more are
  int64_t denominator_below = 0;  // primary only where the table's total is below this; 0: always
  // Fewest people whose difference may be told.
  int64_t threshold() const { return suppress_to + 1; }
};

// nullptr: there is none of that name.
const RuleSet* FindRuleSet(std::string_view name);
const RuleSet& DefaultRuleSet();  // hes

struct Told {
  enum class Certainty { kExact, kRounded, kSuppressed };
  Certainty certainty = Certainty::kSuppressed;
  int64_t value = -1;
  // "hes/primary": too few. "hes/secondary": would tell of another cell; any number may stand there.
  // "hes/differencing": differs too little from an earlier answer; with a value, what was told then to the
  // same question.
  // "hes/rounding", "hes/resummed": a total made from what its cells tell. Empty: as counted.
  std::string rule = {};
};

// What the guard against differencing says of one number (services/audience/differencing.h).
struct Earlier {
  enum class Kind {
    kNothing,   // nothing against it
    kAsBefore,  // `people`, as was told to the same question before
    kNot,       // not to be told
  };
  Kind kind = Kind::kNothing;
  int64_t people = 0;
};

Told Protect(int64_t people, const RuleSet& rules, const Earlier& earlier = {});

// A table as it may be told. Cells that nobody is in are not among `cells`: a zero is shown by its absence.
struct ToldCell {
  Told people;
  std::vector<Told> measures;
};
struct ToldTable {
  std::vector<ToldCell> cells;  // as `cells`
  Told total;
};
// What the guard says, number by number; empty: nothing.
struct EarlierCells {
  Earlier total;
  std::vector<Earlier> people;                 // as `cells`
  std::vector<std::vector<Earlier>> measures;  // as `cells`, then as their measures
};

// Closed are all lines of the table: for every choice of dimensions that are summed over, the cells that
// share the other keys. A reader knows each line's sum from another answer, so in each line either nothing is
// kept back, or at least two cells with together more people than may be told apart; and a reader who knows
// all sums (as told) and all rules cannot pin a cell that is kept back for being small. A measure counts as a
// further dimension: those in it and those not. `set_dimensions`: which dimensions let one person into
// several cells; their lines are closed as if nobody were, the worst case, and the total is not made from
// cells. What no table can prevent (all of a line's people in one cell, whose sum is asked for alone) is the
// guard's.
ToldTable ProtectTable(std::span<const TableCell> cells, int64_t total,
                       const std::vector<bool>& set_dimensions, const RuleSet& rules,
                       const EarlierCells& earlier = {});

}  // namespace pharos::audience
