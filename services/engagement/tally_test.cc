#include "services/engagement/tally.h"

#include <gmock/gmock.h>

namespace pharos::engagement {
namespace {

type::v1::TallyChange Planned(int64_t intents) {
  type::v1::TallyChange change;
  change.set_declared(intents);
  change.set_intents(intents);
  change.set_pending(intents);
  return change;
}

TEST(Tally, ChangesAddUpFromThePlanToTheEnd) {
  type::v1::TallyChange tally, handed, failed;
  handed.set_pending(-2);
  handed.set_in_flight(2);
  failed.set_in_flight(-1);
  (*failed.mutable_failed())["INVALID_NUMBER"] = 1;
  for (const auto& change : {Planned(3), handed, failed}) {
    Add(tally, change);
    EXPECT_TRUE(AddsUp(tally)) << tally.ShortDebugString();
  }
  EXPECT_EQ(tally.intents(), 3);
  EXPECT_EQ(tally.pending(), 1);
  EXPECT_EQ(tally.in_flight(), 1);
  EXPECT_EQ(tally.failed().at("INVALID_NUMBER"), 1);
}

TEST(Tally, AReasonThatIsTakenBackDisappears) {
  type::v1::TallyChange tally = Planned(1), bad, good;
  bad.set_pending(-1);
  (*bad.mutable_failed())["EXPIRED"] = 1;
  good.set_delivered(1);
  (*good.mutable_failed())["EXPIRED"] = -1;
  Add(tally, bad);
  Add(tally, good);
  EXPECT_TRUE(tally.failed().empty());
  EXPECT_TRUE(AddsUp(tally));
}

TEST(Tally, ComplaintsPartsAndCostAreNoStatesOfTheirOwn) {
  type::v1::TallyChange tally = Planned(2), sent, complained, taken_back;
  sent.set_pending(-1);
  sent.set_sent(1);
  sent.set_parts(2);
  sent.set_cost_micropounds(45'400);
  complained.set_complained(1);
  for (const auto& change : {sent, complained}) {
    Add(tally, change);
    EXPECT_TRUE(AddsUp(tally)) << tally.ShortDebugString();
  }
  EXPECT_EQ(tally.complained(), 1);
  EXPECT_EQ(tally.parts(), 2);
  EXPECT_EQ(tally.cost_micropounds(), 45'400);
  taken_back.set_cost_micropounds(-45'401);
  Add(tally, taken_back);
  EXPECT_FALSE(AddsUp(tally));
}

TEST(Tally, FollowedLinksAreNoStatesOfTheirOwn) {
  type::v1::TallyChange tally = Planned(2), first, second, taken_back;
  first.set_followed(1);
  (*first.mutable_followed_by_link())["1/2"] = 1;
  second.set_followed(1);
  (*second.mutable_followed_by_link())["1/1"] = 1;
  (*second.mutable_followed_by_link())["1/2"] = 1;
  for (const auto& change : {first, second}) {
    Add(tally, change);
    EXPECT_TRUE(AddsUp(tally)) << tally.ShortDebugString();
  }
  EXPECT_EQ(tally.followed(), 2);
  EXPECT_EQ(tally.followed_by_link().at("1/1"), 1);
  EXPECT_EQ(tally.followed_by_link().at("1/2"), 2);
  (*taken_back.mutable_followed_by_link())["1/1"] = -2;
  Add(tally, taken_back);
  EXPECT_FALSE(AddsUp(tally));
}

TEST(Tally, NoticesWhatDoesNotAddUp) {
  type::v1::TallyChange lost = Planned(2);
  lost.set_pending(1);
  EXPECT_FALSE(AddsUp(lost));
  type::v1::TallyChange negative = Planned(1);
  negative.set_pending(2);
  negative.set_sent(-1);
  EXPECT_FALSE(AddsUp(negative));
}

}  // namespace
}  // namespace pharos::engagement
