// The rule sets, as data. To change one, change its row; nothing else knows the numbers.
#include <array>

#include "services/audience/disclosure.h"

namespace pharos::audience {
namespace {

const std::array<RuleSet, 3>& RuleSets() {
  static const auto* const kRuleSets = new std::array<RuleSet, 3>{
      // NHS Digital, Hospital Episode Statistics analysis guide, small numbers, from September 2018:
      // sub-national 1 to 7 are not told, 0 is shown, all others go to the nearest 5.
      RuleSet{.name = "hes", .suppress_from = 1, .suppress_to = 7, .round_to = 5},
      // UKHSA, HIV and STI data sharing policy, 15 August 2024: 1 to 4 are not told where the denominator is
      // below 10,000; not rounded.
      RuleSet{
          .name = "ukhsa", .suppress_from = 1, .suppress_to = 4, .round_to = 1, .denominator_below = 10'000},
      // OpenSAFELY, statistical disclosure control: at most 7 is not told, then to the nearest 5, totals made
      // again from what is told; where little is suppressed in a line, the next smallest is as well.
      RuleSet{.name = "opensafely", .suppress_from = 1, .suppress_to = 7, .round_to = 5},
  };
  return *kRuleSets;
}

}  // namespace

const RuleSet* FindRuleSet(std::string_view name) {
  for (const RuleSet& rules : RuleSets()) {
    if (rules.name == name) return &rules;
  }
  return nullptr;
}

const RuleSet& DefaultRuleSet() {
  return RuleSets().front();
}

}  // namespace pharos::audience
