#include "services/engagement/counters.h"

#include <gmock/gmock.h>

#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/engagement/tables.h"
#include "storage/open.h"

namespace pharos::engagement {
namespace {

using dispatch::internal::v1::FollowEventsResponse;

class CountersTest : public ::testing::Test {
 protected:
  CountersTest() : store_(*storage::Open({.name = "engagement", .format = kFormat, .in_memory = true})) {}

  // A batch at `position`: `planned` new intents, `sent` of those that are pending accepted at once.
  static type::v1::EventBatch Batch(uint64_t position, int64_t planned, int64_t sent) {
    type::v1::EventBatch batch;
    batch.set_position(position);
    batch.set_time_us(static_cast<int64_t>(1000 + position));
    batch.set_campaign("campaigns/winter");
    batch.mutable_changes()->set_declared(planned);
    batch.mutable_changes()->set_intents(planned);
    batch.mutable_changes()->set_pending(planned - sent);
    batch.mutable_changes()->set_sent(sent);
    for (int64_t i = 0; i < sent; ++i) {
      auto* event = batch.add_events();
      event->set_step("1");
      event->set_person("people/p" + std::to_string(position) + "-" + std::to_string(i));
    }
    return batch;
  }
  static FollowEventsResponse News(std::vector<type::v1::EventBatch> batches) {
    FollowEventsResponse news;
    for (auto& batch : batches) {
      news.set_position(batch.position());
      *news.add_batches() = std::move(batch);
    }
    return news;
  }
  v1::Counters Now() { return *counters_.Now("campaigns/winter"); }

  std::unique_ptr<storage::Store> store_;
  base::FakeClock clock_;
  CountersStore counters_store_{*store_};
  Counters counters_{counters_store_, clock_};
};

TEST_F(CountersTest, AddsUpWhatCame) {
  ASSERT_TRUE(counters_.Apply(News({Batch(1, 10, 0), Batch(2, 0, 3)})).ok());
  EXPECT_EQ(Now().tally().intents(), 10);
  EXPECT_EQ(Now().tally().pending(), 7);
  EXPECT_EQ(Now().tally().sent(), 3);
  EXPECT_EQ(Now().position(), 2u);
  EXPECT_EQ(Now().event_time_us(), 1002);
}

TEST_F(CountersTest, ComplaintsPartsAndCostAreKeptToo) {
  auto sent = Batch(2, 0, 3), complained = Batch(3, 0, 0);
  sent.mutable_changes()->set_parts(4);
  sent.mutable_changes()->set_cost_micropounds(90'800);
  complained.mutable_changes()->set_complained(1);
  ASSERT_TRUE(counters_.Apply(News({Batch(1, 10, 0), sent, complained})).ok());
  const auto stored = counters_store_.Load("campaigns/winter");
  ASSERT_TRUE(stored.ok());
  for (const auto& tally : {Now().tally(), stored->tally()}) {
    EXPECT_EQ(tally.parts(), 4);
    EXPECT_EQ(tally.cost_micropounds(), 90'800);
    EXPECT_EQ(tally.complained(), 1);
  }
}

TEST_F(CountersTest, WhatComesTwiceCountsOnce) {
  ASSERT_TRUE(counters_.Apply(News({Batch(1, 10, 0), Batch(2, 0, 3)})).ok());
  ASSERT_TRUE(counters_.Apply(News({Batch(2, 0, 3), Batch(3, 0, 1)})).ok());
  EXPECT_EQ(Now().tally().sent(), 4);
  EXPECT_EQ(*counters_store_.Cursor(), 3u);
}

TEST_F(CountersTest, NumbersThatWouldNotAddUpStandStillAndSaySo) {
  ASSERT_TRUE(counters_.Apply(News({Batch(1, 10, 0)})).ok());
  auto wrong = Batch(3, 0, 1);
  wrong.mutable_changes()->set_pending(0);
  ASSERT_TRUE(counters_.Apply(News({Batch(2, 0, 2), wrong, Batch(4, 0, 1)})).ok());
  EXPECT_EQ(Now().tally().sent(), 2);
  EXPECT_EQ(Now().position(), 2u);
  EXPECT_EQ(Now().wrong_from_position(), 3u);
  EXPECT_EQ(*counters_store_.Cursor(), 4u);
  v1::ListEventsResponse page;
  ASSERT_TRUE(counters_store_.List("campaigns/winter", "", 100, "", page).ok());
  EXPECT_EQ(page.events_size(), 4) << "what happened to people is kept all the same";
}

TEST_F(CountersTest, OneCampaignsWrongNumbersDoNotStopTheOthers) {
  auto wrong = Batch(1, 0, 1);  // the very first batch: of a message that was never planned
  auto other = Batch(2, 5, 1);
  other.set_campaign("campaigns/spring");
  ASSERT_TRUE(counters_.Apply(News({wrong, other})).ok());
  EXPECT_EQ(Now().tally().intents(), 0);
  EXPECT_EQ(Now().wrong_from_position(), 1u);
  const auto spring = *counters_.Now("campaigns/spring");
  EXPECT_EQ(spring.tally().sent(), 1);
  EXPECT_EQ(spring.wrong_from_position(), 0u);
  EXPECT_EQ(*counters_store_.Cursor(), 2u);
}

TEST_F(CountersTest, SaysForHowLongDispatchHasBeenSilent) {
  ASSERT_TRUE(counters_.Apply(FollowEventsResponse()).ok());
  clock_.Advance(700'000);
  EXPECT_EQ(Now().behind_us(), 700'000);
}

TEST_F(CountersTest, ListsEventsInPages) {
  ASSERT_TRUE(counters_.Apply(News({Batch(1, 10, 0), Batch(2, 0, 3), Batch(5, 0, 2)})).ok());
  std::vector<std::string> people;
  std::string token;
  do {
    v1::ListEventsResponse page;
    ASSERT_TRUE(counters_store_.List("campaigns/winter", "", 2, token, page).ok());
    EXPECT_LE(page.events_size(), 2);
    for (const auto& event : page.events()) people.push_back(event.event().person());
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_THAT(people, ::testing::ElementsAre("people/p2-0", "people/p2-1", "people/p2-2", "people/p5-0",
                                             "people/p5-1"));
}

TEST_F(CountersTest, ListsOnePersonsEvents) {
  ASSERT_TRUE(counters_.Apply(News({Batch(1, 10, 0), Batch(2, 0, 3), Batch(5, 0, 2)})).ok());
  v1::ListEventsResponse page;
  ASSERT_TRUE(counters_store_.List("campaigns/winter", "people/p5-1", 10, "", page).ok());
  ASSERT_EQ(page.events_size(), 1);
  EXPECT_EQ(page.events(0).time_us(), 1005);
  EXPECT_EQ(base::ReasonOf(counters_store_.List("campaigns/winter", "", 2, "x", page)), "PAGE_TOKEN_WRONG");
}

}  // namespace
}  // namespace pharos::engagement
