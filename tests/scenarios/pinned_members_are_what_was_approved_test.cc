// Promise 6, while the world goes on: between submission and launch people come, go, and change their mind;
// the intents are those who were pinned, person by person, and who may not be written to any more is
// withheld, with the reason. Made true by services/audience/member_service.cc and pin_store.cc (who was
// pinned), services/campaign/launch_loop.cc (plans the pin, page by page against its digest) and
// services/dispatch/desk_handover.cc (a permit before every message).
#include <fmt/format.h>

#include <atomic>
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "pharos/audience/internal/v1/member_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using audience::internal::v1::ListMembersRequest;
using audience::internal::v1::ListMembersResponse;
using campaign::v1::Campaign;

constexpr int kPeople = 1200;   // more than one page of the pin
constexpr int kLater = 50'000;  // numbers of those who come later

class PinnedMembers : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf(kPeople));
    story_.Draft("quit");
  }
  void TearDown() override { StopWriting(); }

  std::set<std::string> Pinned(const std::string& pin) const {
    std::set<std::string> people;
    ListMembersRequest request;
    request.set_pin(pin);
    do {
      const auto page = Must(system_.As("service").Call<ListMembersResponse>(
          "audience.internal.v1.MemberService/ListMembers", request));
      for (const auto& member : page.members()) people.insert(member.person());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return people;
  }

  // Newcomers, one after the other, until StopWriting.
  void StartWriting() {
    writer_ = std::thread([this] {
      for (int i = 0; !enough_; ++i) {
        const int n = kLater + i;
        story_.ImportAll(kNews, FileOf({{.id = fmt::format("late{}", n), .phone = Phone(n)}}));
        ++written_;
      }
    });
  }
  void StopWriting() {
    enough_ = true;
    if (writer_.joinable()) writer_.join();
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
  std::thread writer_;
  std::atomic<bool> enough_ = false;
  std::atomic<int> written_ = 0;
};

TEST_F(PinnedMembers, AreTheIntentsThoughEverythingElseMovesOn) {
  StartWriting();
  const Campaign submitted = story_.Submit("quit");
  const std::set<std::string> pinned = Pinned(submitted.pin());
  EXPECT_EQ(static_cast<int64_t>(pinned.size()), submitted.members());
  EXPECT_GE(submitted.members(), kPeople);

  // Some of them say stop before anybody has signed, some after.
  std::set<std::string> stopped;
  auto next = pinned.begin();
  const auto stop_some = [&](type::v1::EntryScope scope) {
    for (int i = 0; i < 5; ++i, ++next) {
      Must(story_.Withdraw(*next, scope));
      stopped.insert(*next);
    }
  };
  stop_some(type::v1::SCOPE_PURPOSE);
  story_.Approve(submitted);
  stop_some(type::v1::SCOPE_EVERYTHING);
  story_.Launch("quit");
  ASSERT_TRUE(Eventually([&] { return story_.Report("quit").intents() == submitted.members(); }));
  std::set<std::string> planned;
  for (const auto& intent : story_.Intents("quit")) planned.insert(intent.person());
  EXPECT_EQ(planned, pinned);
  stop_some(type::v1::SCOPE_PURPOSE);
  StopWriting();
  EXPECT_GT(written_, 0) << "writes ran meanwhile";

  system_.smpp().Start();
  ASSERT_TRUE(story_.Finished("quit", 40));
  int withheld = 0;
  for (const auto& intent : story_.Intents("quit")) {
    if (stopped.contains(intent.person())) {
      EXPECT_EQ(intent.state(), dispatch::v1::WITHHELD) << intent.name();
      EXPECT_THAT(intent.reason(), ::testing::AnyOf("OPTED_OUT", "NO_CONSENT")) << intent.name();
      ++withheld;
    } else {
      EXPECT_EQ(intent.state(), dispatch::v1::INTENT_DELIVERED) << intent.name() << " " << intent.reason();
    }
  }
  EXPECT_EQ(withheld, 15);
  const campaign::v1::Report report = story_.Report("quit");
  ExpectItAddsUp(report);
  EXPECT_EQ(report.intents(), submitted.members());
}

}  // namespace
}  // namespace pharos::tests
