// What is told of a table tells of nobody: examples of each rule, and a reader who knows all rules and all
// sums against random tables.
#include "services/audience/disclosure.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

namespace pharos::audience {
namespace {

using Certainty = Told::Certainty;

TableCell Cell(std::vector<std::string> keys, int64_t people, std::vector<int64_t> measures = {}) {
  return {std::move(keys), people, std::move(measures)};
}
int64_t Total(const std::vector<TableCell>& cells) {
  int64_t total = 0;
  for (const TableCell& cell : cells) total += cell.people;
  return total;
}
ToldTable Tell(const std::vector<TableCell>& cells, const RuleSet& rules = DefaultRuleSet(),
               const EarlierCells& earlier = {}) {
  const size_t dimensions = cells.empty() ? 1 : cells.front().keys.size();
  return ProtectTable(cells, Total(cells), std::vector<bool>(dimensions, false), rules, earlier);
}
// "~200" rounded, "=200" exact, "primary" …
std::string Text(const Told& told) {
  if (told.certainty == Certainty::kSuppressed) return told.rule.substr(told.rule.find('/') + 1);
  return fmt::format("{}{}", told.certainty == Certainty::kExact ? '=' : '~', told.value);
}
std::vector<std::string> Texts(const ToldTable& table) {
  std::vector<std::string> texts;
  for (const ToldCell& cell : table.cells) texts.push_back(Text(cell.people));
  return texts;
}
using Words = std::vector<std::string>;

TEST(Disclosure, OneNumberByTheRulesOfHes) {
  const RuleSet& hes = DefaultRuleSet();
  EXPECT_EQ(hes.name, "hes");
  EXPECT_EQ(Text(Protect(0, hes)), "=0");
  for (int64_t n = 1; n <= 7; ++n) EXPECT_EQ(Text(Protect(n, hes)), "primary") << n;
  EXPECT_EQ(Protect(3, hes).value, -1);
  EXPECT_EQ(Protect(3, hes).rule, "hes/primary");
  EXPECT_EQ(Text(Protect(8, hes)), "~10");
  EXPECT_EQ(Text(Protect(12, hes)), "~10");
  EXPECT_EQ(Text(Protect(13, hes)), "~15");
  EXPECT_EQ(Protect(13, hes).rule, "hes/rounding");
}

TEST(Disclosure, EachRuleSetHasItsOwnNumbers) {
  const RuleSet* ukhsa = FindRuleSet("ukhsa");
  ASSERT_NE(ukhsa, nullptr);
  EXPECT_EQ(Text(Protect(4, *ukhsa)), "primary");
  EXPECT_EQ(Text(Protect(5, *ukhsa)), "=5");
  EXPECT_NE(FindRuleSet("opensafely"), nullptr);
  EXPECT_EQ(FindRuleSet("none"), nullptr);
}

TEST(Disclosure, WhatWasToldBeforeIsToldAgain) {
  const Told told = Protect(103, DefaultRuleSet(), {Earlier::Kind::kAsBefore, 100});
  EXPECT_EQ(told.value, 100);
  EXPECT_EQ(told.rule, "hes/differencing");
  EXPECT_EQ(Text(Protect(103, DefaultRuleSet(), {Earlier::Kind::kNot, 0})), "differencing");
}

// The total minus the others would tell the 3.
TEST(Disclosure, TheNextSmallestIsKeptBackBesideASmallOne) {
  const ToldTable table = Tell({Cell({"a"}, 3), Cell({"b"}, 40), Cell({"c"}, 20), Cell({"d"}, 100)});
  EXPECT_EQ(Texts(table), (Words{"primary", "~40", "secondary", "~100"}));
  EXPECT_EQ(Text(table.total), "~140");
  EXPECT_EQ(table.total.rule, "hes/resummed");
}

TEST(Disclosure, TwoSmallOnesWithEnoughPeopleTogetherNeedNoThird) {
  EXPECT_EQ(Texts(Tell({Cell({"a"}, 6), Cell({"b"}, 5), Cell({"c"}, 20)})),
            (Words{"primary", "primary", "~20"}));
}

TEST(Disclosure, ASmallCellIsClosedInEveryLine) {
  const std::vector<TableCell> cells = {Cell({"a", "x"}, 3),  Cell({"a", "y"}, 40), Cell({"a", "z"}, 50),
                                        Cell({"b", "x"}, 30), Cell({"b", "y"}, 60), Cell({"b", "z"}, 70),
                                        Cell({"c", "x"}, 80), Cell({"c", "y"}, 90), Cell({"c", "z"}, 95)};
  const ToldTable table = Tell(cells);
  EXPECT_EQ(Texts(table),
            (Words{"primary", "secondary", "~50", "secondary", "secondary", "~70", "~80", "~90", "~95"}));
}

TEST(Disclosure, NothingIsToldOfATableOfSmallCellsAndAnEmptyTableIsZero) {
  EXPECT_EQ(Text(Tell({Cell({"a"}, 3), Cell({"b"}, 2)}).total), "secondary");
  EXPECT_EQ(Text(Tell({}).total), "=0");
}

TEST(Disclosure, AMeasureTellsNeitherItselfNorTheOthers) {
  const ToldTable table =
      Tell({Cell({"a"}, 100, {97}), Cell({"b"}, 100, {40}), Cell({"c"}, 100, {0}), Cell({"d"}, 100, {4})});
  EXPECT_EQ(Text(table.cells[0].measures[0]), "secondary") << "3 are not in it";
  EXPECT_EQ(Text(table.cells[3].measures[0]), "primary");
  EXPECT_EQ(Text(table.cells[2].measures[0]), "=0");
  EXPECT_EQ(Text(table.cells[0].people), "~100");
}

TEST(Disclosure, WhatTheGuardKeepsBackCannotBeSubtractedEither) {
  EarlierCells earlier;
  earlier.people.resize(4);
  earlier.people[1] = {Earlier::Kind::kNot, 0};
  const ToldTable table =
      Tell({Cell({"a"}, 100), Cell({"b"}, 203), Cell({"c"}, 50), Cell({"d"}, 80)}, DefaultRuleSet(), earlier);
  EXPECT_EQ(Texts(table), (Words{"~100", "differencing", "secondary", "~80"}));
}

TEST(Disclosure, ATotalThatMayNotBeKnownIsNotMadeFromItsCells) {
  EarlierCells earlier;
  earlier.total = {Earlier::Kind::kAsBefore, 230};
  const ToldTable table =
      Tell({Cell({"a"}, 100), Cell({"b"}, 83), Cell({"c"}, 50)}, DefaultRuleSet(), earlier);
  EXPECT_EQ(Texts(table), (Words{"~100", "secondary", "secondary"}));
}

TEST(Disclosure, BigDenominatorsNeedNoSuppressionWhereTheRuleSaysSo) {
  const RuleSet* ukhsa = FindRuleSet("ukhsa");
  EXPECT_EQ(Texts(Tell({Cell({"a"}, 2), Cell({"b"}, 20'000)}, *ukhsa)), (Words{"=2", "=20000"}));
}

// The attack
// --------------------------------------------------------------------------------------------------------

struct Range {
  int64_t low = 0, high = 0;
};

// What a reader knows of a number who was told this, and who knows the rules.
Range Known(const Told& told, const RuleSet& rules) {
  if (told.rule == rules.name + "/primary") return {rules.suppress_from, rules.suppress_to};
  if (told.certainty == Certainty::kSuppressed) return {0, 1'000'000};
  if (told.certainty == Certainty::kExact) return {told.value, told.value};
  return {std::max(rules.threshold(), told.value - 2), told.value + 2};
}

// A reader with a table, and with the sum of every line from other answers; narrows until nothing changes.
class Attacker {
 public:
  Attacker(const std::vector<TableCell>& cells, const ToldTable& told, const RuleSet& rules) {
    for (const ToldCell& cell : told.cells) ranges_.push_back(Known(cell.people, rules));
    const size_t dimensions = cells.front().keys.size();
    for (unsigned over = 1; over < 1u << dimensions; ++over) {
      std::map<std::vector<std::string>, std::vector<size_t>> lines;
      for (size_t i = 0; i < cells.size(); ++i) {
        std::vector<std::string> keys = cells[i].keys;
        for (size_t d = 0; d < dimensions; ++d) {
          if ((over >> d & 1u) != 0) keys[d] = "all";
        }
        lines[keys].push_back(i);
      }
      for (auto& [keys, line] : lines) {
        int64_t sum = 0;
        for (const size_t cell : line) sum += cells[cell].people;
        lines_.emplace_back(line, Known(Protect(sum, rules), rules));
      }
    }
  }
  std::vector<Range> Run() {
    for (int round = 0; round < 200 && Narrow(); ++round) {
    }
    return ranges_;
  }

 private:
  bool Narrow() {
    bool narrower = false;
    for (const auto& [line, sum] : lines_) {
      for (const size_t cell : line) {
        Range others;
        for (const size_t other : line) {
          if (other == cell) continue;
          others.low += ranges_[other].low;
          others.high += ranges_[other].high;
        }
        const Range before = ranges_[cell];
        ranges_[cell].low = std::max(before.low, sum.low - others.high);
        ranges_[cell].high = std::min(before.high, sum.high - others.low);
        narrower = narrower || ranges_[cell].low != before.low || ranges_[cell].high != before.high;
      }
    }
    return narrower;
  }

  std::vector<Range> ranges_;
  std::vector<std::pair<std::vector<size_t>, Range>> lines_;
};

std::vector<TableCell> RandomTable(std::mt19937& random, bool full) {
  std::vector<TableCell> cells;
  const int dimensions = 1 + static_cast<int>(random() % 3), wide = 2 + static_cast<int>(random() % 4);
  const int kind = static_cast<int>(random() % 3);
  std::vector<std::string> keys(dimensions, "0");
  int count = 1;
  for (int d = 0; d < dimensions; ++d) count *= wide;
  for (int i = 0; i < count; ++i) {
    for (int d = 0, rest = i; d < dimensions; ++d, rest /= wide) keys[d] = std::to_string(rest % wide);
    const int64_t small = random() % 9, big = random() % 300;
    const int64_t people = kind == 0 ? small : kind == 1 ? big : random() % 4 == 0 ? small : big;
    if (people > 0 || full) cells.push_back(Cell(keys, people + (full && people == 0)));
  }
  return cells;
}

TEST(Disclosure, AReaderWhoKnowsAllSumsPinsNobody) {
  std::mt19937 random(20'161'123);
  int kept_back = 0;
  for (int round = 0; round < 3'000; ++round) {
    const RuleSet& rules = *FindRuleSet(round % 2 == 0 ? "hes" : "opensafely");
    const auto cells = RandomTable(random, false);
    if (cells.empty()) continue;
    const ToldTable told = Tell(cells, rules);
    const auto ranges = Attacker(cells, told, rules).Run();
    for (size_t i = 0; i < cells.size(); ++i) {
      ASSERT_LE(ranges[i].low, cells[i].people) << "the attack is sound";
      ASSERT_GE(ranges[i].high, cells[i].people) << "the attack is sound";
      if (cells[i].people > rules.suppress_to) continue;
      ++kept_back;
      ASSERT_EQ(told.cells[i].people.certainty, Certainty::kSuppressed);
      EXPECT_LT(ranges[i].low, ranges[i].high)
          << "round " << round << ": cell " << i << " is " << cells[i].people;
    }
  }
  EXPECT_GT(kept_back, 10'000);
}

// Nothing is rounded there: only what is kept back protects. In a full table each line has several cells, so
// no line's sum tells one cell.
TEST(Disclosure, NorWhereNumbersAreNotRounded) {
  std::mt19937 random(7);
  const RuleSet& rules = *FindRuleSet("ukhsa");
  for (int round = 0; round < 2'000; ++round) {
    const auto cells = RandomTable(random, true);
    if (Total(cells) >= rules.denominator_below) continue;
    const auto ranges = Attacker(cells, Tell(cells, rules), rules).Run();
    for (size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].people > rules.suppress_to) continue;
      EXPECT_LT(ranges[i].low, ranges[i].high)
          << "round " << round << ": cell " << i << " is " << cells[i].people;
    }
  }
}

// It would pin somebody if nothing but the small cells were kept back.
TEST(Disclosure, TheAttackWorksWithoutSecondarySuppression) {
  RuleSet careless = *FindRuleSet("ukhsa");
  careless.secondary = false;
  const std::vector<TableCell> cells = {Cell({"a"}, 3), Cell({"b"}, 40), Cell({"c"}, 20)};
  const auto ranges = Attacker(cells, Tell(cells, careless), careless).Run();
  EXPECT_EQ(ranges[0].low, 3);
  EXPECT_EQ(ranges[0].high, 3);
}

}  // namespace
}  // namespace pharos::audience
