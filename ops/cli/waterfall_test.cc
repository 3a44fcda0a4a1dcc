#include "ops/cli/waterfall.h"

#include "gmock/gmock.h"

namespace pharos::cli {
namespace {

using customer::v1::LinkExplanation;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LinkExplanation AnExplanation() {
  LinkExplanation e;
  const auto add = [&](const char* field, const char* level, double weight) {
    auto& evidence = *e.add_evidence();
    evidence.set_field(field);
    evidence.set_level(level);
    evidence.set_weight(weight);
  };
  add("prior", "", -18.24);
  add("name", "exact", 12.5);
  add("date_of_birth", "day and month swapped", 8.04);
  e.set_weight(2.3);
  e.set_auto_weight(8);
  e.set_review_weight(3.25);
  return e;
}

TEST(Waterfall, EachComparisonWithItsBitsAndTheSumSoFar) {
  EXPECT_THAT(WaterfallLines(AnExplanation().evidence()),
              ElementsAre("  field          level                    bits     sum",
                          "  prior                                  -18.2   -18.2",
                          "  name           exact                   +12.5    -5.7",
                          "  date of birth  day and month swapped    +8.0    +2.3"));
  EXPECT_TRUE(WaterfallLines({}).empty());
}

TEST(Waterfall, TheVerdictNamesBothThresholds) {
  LinkExplanation e = AnExplanation();
  EXPECT_THAT(VerdictLines(e),
              ElementsAre("  +2.3 bits: not enough to ask a person (auto from +8.0, review from +3.3)."));
  e.set_weight(3.25);
  EXPECT_THAT(VerdictLines(e)[0], HasSubstr("enough to ask a person"));
  e.set_weight(8);
  e.set_veto("two different NHS numbers");
  e.set_assertion("assertions/a1");
  EXPECT_THAT(VerdictLines(e),
              ElementsAre(HasSubstr("enough to link without asking"),
                          HasSubstr("Not without a person's word: two different NHS numbers"),
                          HasSubstr("assertions/a1")));
}

TEST(Waterfall, EnoughAndStillNotLinkedItSaysWhy) {
  LinkExplanation e = AnExplanation();
  e.set_weight(20);
  EXPECT_EQ(VerdictLines(e).size(), 1u);
  e.set_person_a("people/a");
  e.set_person_b("people/b");
  EXPECT_THAT(VerdictLines(e).back(), HasSubstr("Other records of the two speak against it"));
}

TEST(Waterfall, BitsNeverSayMinusNothing) {
  EXPECT_EQ(BitsText(-0.01), "+0.0");
  EXPECT_EQ(BitsText(-0.06), "-0.1");
}

}  // namespace
}  // namespace pharos::cli
