#include "services/customer/feed_service.h"

#include <gtest/gtest.h>

#include <set>

#include "services/base/errors.h"
#include "services/customer/permit_fixture.h"

namespace pharos::customer {
namespace {

using namespace internal::v1;  // NOLINT: requests and answers

// Follows on a thread of its own and keeps the newest state of each person.
class Follower {
 public:
  Follower(FeedService& service, uint64_t cursor)
      : thread_([&service, cursor, this] {
          FollowPeopleRequest request;
          request.set_cursor(cursor);
          status_ = service.FollowPeople(call_, request, feed_);
        }) {}
  ~Follower() { (void)End(); }
  absl::Status End() {
    call_.gone = true;
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  // The states once everything up to `position` has been sent.
  std::map<std::string, PersonState> At(uint64_t position) {
    std::map<std::string, PersonState> states;
    for (size_t count = 1;; ++count) {
      const auto messages = feed_.Await(count);
      if (messages.size() < count) ADD_FAILURE() << "position " << position << " never came";
      if (messages.size() < count || messages[count - 1].cursor() >= position) {
        for (const auto& message : messages) {
          for (const auto& state : message.people()) states[state.person()] = state;
        }
        return states;
      }
    }
  }
  Collected<FollowPeopleResponse> feed_;

 private:
  TestCall call_;
  absl::Status status_;
  std::thread thread_;
};

struct FeedTest : testing::Test {
  base::FakeClock clock;
  PermitFixture at{clock};
  FeedService service{*at.store, at.people};
};

TEST_F(FeedTest, SendsASnapshotThenWhatFollows) {
  const std::string anna = at.AddPerson("1", "Anna", "447700900001");
  Follower follower(service, 0);
  auto states = follower.At(at.store->LastPosition());
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[anna].gate().endpoints(0).endpoint(), at.Phone("447700900001"));
  EXPECT_THAT(states[anna].sources(), testing::ElementsAre("sources/feed"));
  EXPECT_EQ(states[anna].fields().count("given_name"), 0u);  // names stay at home

  const std::string bert = at.AddPerson("2", "Bert", "447700900002");
  at.Say(at.Reply("r", "447700900001", STOP));
  states = follower.At(at.store->LastPosition());
  EXPECT_EQ(states.size(), 2u);
  EXPECT_EQ(states[anna].gate().endpoints(0).entries_size(),
            1);  // the STOP reaches everybody at the endpoint
}

TEST_F(FeedTest, TellsAPositionOnlyWhenAllBeforeItHasBeenSent) {
  for (int i = 0; i < FeedService::kMostPeople + 10; ++i) {
    at.AddPerson(std::to_string(i), "P" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i),
                 "44770090" + std::to_string(1000 + i));
  }
  Follower follower(service, 0);
  const auto states = follower.At(at.store->LastPosition());
  const auto messages = follower.feed_.Await(2);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].people_size(), FeedService::kMostPeople);
  EXPECT_EQ(messages[0].cursor(), 0u);
  EXPECT_EQ(messages[1].cursor(), at.store->LastPosition());
  EXPECT_EQ(states.size(), static_cast<size_t>(FeedService::kMostPeople + 10));
}

TEST_F(FeedTest, ResumesAfterACursorAndTellsWhoIsGone) {
  const std::string anna = at.AddPerson("1", "Anna", "447700900001");
  const std::string second = at.AddPerson("2", "Anna", "", "anna@example.org");
  const uint64_t cursor = at.store->LastPosition();
  at.AddPerson("3", "Anna", "447700900001", "anna@example.org");
  Follower follower(service, cursor);
  auto states = follower.At(at.store->LastPosition());
  EXPECT_TRUE(states.at(second).gone());
  EXPECT_FALSE(states.at(anna).gone());
  EXPECT_THAT(states.at(anna).former_names(), testing::ElementsAre(second));
  EXPECT_EQ(states.size(), 2u);
}

TEST_F(FeedTest, ChangesOfOtherThingsMoveTheCursorToo) {
  Follower follower(service, 0);
  at.AddPurpose("purposes/new", type::v1::PURPOSE_CLASS_SERVICE, type::v1::LAWFUL_BASIS_PUBLIC_TASK);
  GetPositionResponse response;
  TestCall call;
  ASSERT_TRUE(service.GetPosition(call, {}, response).ok());
  follower.At(response.position());
}

TEST_F(FeedTest, TellsPurposesWithThePositionAsOfTheLastCommit) {
  GetPositionRequest request;
  const auto purposes = [&] {
    GetPositionResponse response;
    EXPECT_TRUE(service.Position(request, response).ok());
    EXPECT_EQ(response.position(), at.store->LastPosition());
    std::set<std::string> names;
    for (const auto& purpose : response.purposes()) names.insert(purpose.purpose());
    return names;
  };
  EXPECT_TRUE(purposes().empty()) << "not asked for";
  request.set_with_purposes(true);
  const auto before = purposes();
  EXPECT_EQ(before.count("purposes/new"), 0u);
  at.AddPurpose("purposes/new", type::v1::PURPOSE_CLASS_SERVICE, type::v1::LAWFUL_BASIS_PUBLIC_TASK);
  const auto after = purposes();
  EXPECT_EQ(after.count("purposes/new"), 1u);
  EXPECT_EQ(after.size(), before.size() + 1);
}

TEST_F(FeedTest, RefusesACursorFromAnotherStore) {
  Collected<FollowPeopleResponse> feed;
  TestCall call;
  FollowPeopleRequest request;
  request.set_cursor(at.store->LastPosition() + 1);
  EXPECT_EQ(service.FollowPeople(call, request, feed).code(), absl::StatusCode::kOutOfRange);
}

TEST_F(FeedTest, EndsWhenTheCallerHasGoneOrTheServiceStops) {
  Follower gone(service, 0);
  EXPECT_EQ(gone.End().code(), absl::StatusCode::kCancelled);
  service.Stop();
  Collected<FollowPeopleResponse> feed;
  TestCall call;
  EXPECT_FALSE(service.FollowPeople(call, {}, feed).ok());
}

TEST_F(FeedTest, SendsAllPurposesWheneverOneChanges) {
  TestCall call;
  Collected<FollowPurposesResponse> feed;
  Waiting follow([&] { (void)service.FollowPurposes(call, {}, feed); });
  EXPECT_EQ(feed.Await(1).at(0).purposes_size(), 2);
  at.AddPerson("1", "Anna", "447700900001");
  at.AddPurpose("purposes/new", type::v1::PURPOSE_CLASS_URGENT, type::v1::LAWFUL_BASIS_VITAL_INTERESTS);
  EXPECT_EQ(feed.Await(2).at(1).purposes_size(), 3);
  call.gone = true;
  EXPECT_TRUE(follow.Ends());
}

}  // namespace
}  // namespace pharos::customer
