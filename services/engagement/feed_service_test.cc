// Engagement's own feed: what happened to people, in dispatch's order, followed from any position.
#include "services/engagement/feed_service.h"

#include <gmock/gmock.h>

#include "pharos/dispatch/v1/intent_service.pb.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"
#include "services/engagement/tables.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"
#include "storage/open.h"

namespace pharos::engagement {
namespace {

using dispatch::internal::v1::FollowEventsResponse;
using internal::v1::EngagedPeople;
using internal::v1::FollowEngagementResponse;
using testing::ElementsAre;
using testing::IsEmpty;

// Reads until it has seen `until`, then goes away.
class Reader : public rpc::Writer<FollowEngagementResponse> {
 public:
  explicit Reader(uint64_t until) : until_(until) {}
  bool Write(const FollowEngagementResponse& message) override {
    for (const auto& engaged : message.engaged()) {
      for (const auto& person : engaged.people())
        said.push_back(person + " " + EngagedPeople::Event_Name(engaged.event()) + " " + engaged.campaign());
    }
    position = message.position();
    return position < until_;
  }
  std::vector<std::string> said;
  uint64_t position = 0;

 private:
  const uint64_t until_;
};

class TestCall : public rpc::Call {
 public:
  int64_t RemainingMicros() const override { return 10'000'000; }
  bool cancelled() const override { return false; }
};

class FeedServiceTest : public testing::Test {
 protected:
  static type::v1::EventBatch Batch(uint64_t position, const std::string& campaign) {
    type::v1::EventBatch batch;
    batch.set_position(position);
    batch.set_time_us(static_cast<int64_t>(position));
    batch.set_campaign("campaigns/" + campaign);
    return batch;
  }
  static void AddEvent(type::v1::EventBatch& batch, const std::string& person, int state) {
    batch.add_events()->set_person("people/" + person);
    batch.mutable_events(batch.events_size() - 1)->set_state(state);
  }
  void Apply(const std::vector<type::v1::EventBatch>& batches) {
    FollowEventsResponse news;
    for (const auto& batch : batches) {
      *news.add_batches() = batch;
      news.set_position(batch.position());
    }
    const absl::Status applied = counters_.Apply(news);
    ASSERT_TRUE(applied.ok()) << applied;
  }
  std::vector<std::string> Follow(uint64_t cursor, uint64_t until) {
    Reader reader(until);
    TestCall call;
    internal::v1::FollowEngagementRequest request;
    request.set_cursor(cursor);
    const absl::Status status = feed_.FollowEngagement(call, request, reader);
    EXPECT_TRUE(absl::IsCancelled(status)) << status;
    EXPECT_EQ(reader.position, until);
    return reader.said;
  }

  const std::unique_ptr<storage::Store> store_ =
      *storage::Open({.name = "engagement", .format = kFormat, .in_memory = true});
  base::FakeClock clock_;
  CountersStore counters_store_{*store_};
  Counters counters_{counters_store_, clock_};
  FeedService feed_{counters_store_, counters_, clock_};
};

TEST_F(FeedServiceTest, TellsWhatHappenedToPeopleInOrderFromAnyPosition) {
  auto first = Batch(3, "winter"), second = Batch(4, "autumn"), third = Batch(9, "winter");
  AddEvent(first, "a", dispatch::v1::IN_FLIGHT);  // nothing has happened to anybody yet
  AddEvent(first, "a", dispatch::v1::SENT);
  AddEvent(second, "b", dispatch::v1::WITHHELD);
  AddEvent(third, "a", dispatch::v1::INTENT_DELIVERED);
  third.add_responses()->set_person("people/a");
  third.mutable_responses(0)->set_kind("REPLIED");
  third.add_responses()->set_person("people/a");
  third.mutable_responses(1)->set_kind("OF_A_NEWER_DISPATCH");
  third.add_responses()->set_person("people/a");
  third.mutable_responses(2)->set_kind("FOLLOWED");
  third.mutable_responses(2)->set_link(2);
  Apply({first, second});
  Apply({third});
  EXPECT_THAT(
      Follow(0, 9),
      ElementsAre("people/a EVENT_SENT campaigns/winter", "people/b EVENT_WITHHELD campaigns/autumn",
                  "people/a EVENT_DELIVERED campaigns/winter", "people/a EVENT_REPLIED campaigns/winter",
                  "people/a EVENT_FOLLOWED campaigns/winter"));
  EXPECT_THAT(
      Follow(3, 9),
      ElementsAre("people/b EVENT_WITHHELD campaigns/autumn", "people/a EVENT_DELIVERED campaigns/winter",
                  "people/a EVENT_REPLIED campaigns/winter", "people/a EVENT_FOLLOWED campaigns/winter"));
  EXPECT_THAT(Follow(9, 9), IsEmpty());
}

TEST_F(FeedServiceTest, SendsManyInSeveralMessagesAndPassesNobodyOver) {
  std::vector<type::v1::EventBatch> batches;
  for (uint64_t position = 1; position <= 30; ++position) {
    auto& batch = batches.emplace_back(Batch(position, "winter"));
    for (int n = 0; n < 1000; ++n)
      AddEvent(batch, std::to_string(position) + "-" + std::to_string(n), dispatch::v1::SENT);
  }
  Apply(batches);
  FollowEngagementResponse message;
  ASSERT_TRUE(counters_store_.ReadEngaged(0, message).ok());
  EXPECT_EQ(message.position(), 10u);
  EXPECT_EQ(Follow(0, 30).size(), 30'000u);
}

TEST_F(FeedServiceTest, ACursorAheadOfTheStoreStartsAgain) {
  TestCall call;
  Reader reader(0);
  internal::v1::FollowEngagementRequest request;
  request.set_cursor(7);
  const absl::Status status = feed_.FollowEngagement(call, request, reader);
  EXPECT_TRUE(absl::IsOutOfRange(status));
  EXPECT_EQ(base::ReasonOf(status), "CURSOR_UNKNOWN");
}

TEST_F(FeedServiceTest, AStoreFromBeforeIsPutInOrderOnce) {
  auto late = Batch(8, "autumn"), early = Batch(2, "winter");
  AddEvent(late, "b", dispatch::v1::SENT);
  AddEvent(early, "a", dispatch::v1::SENT);
  record::v1::FeedCursorRow cursor;
  cursor.set_position(8);
  const absl::Status written = store_->Transact([&](storage::Transaction& tx) {
    for (const auto& batch : {late, early}) {
      storage::PutRecord(tx, storage::KeyWriter(kEvents).String(batch.campaign()).U64(batch.position()).str(),
                         batch);
    }
    storage::PutRecord(tx, storage::KeyWriter(kCursor).str(), cursor);
    return absl::OkStatus();
  });
  ASSERT_TRUE(written.ok());
  EXPECT_THAT(Follow(0, 8), IsEmpty());
  ASSERT_TRUE(counters_store_.OrderEvents().ok());
  ASSERT_TRUE(counters_store_.OrderEvents().ok());
  EXPECT_THAT(Follow(0, 8),
              ElementsAre("people/a EVENT_SENT campaigns/winter", "people/b EVENT_SENT campaigns/autumn"));
}

}  // namespace
}  // namespace pharos::engagement
