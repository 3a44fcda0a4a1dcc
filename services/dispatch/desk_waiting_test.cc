// What waits, what comes late, and what is no longer wanted: words about a campaign that were overtaken, a
// clock that is set, slow mail sites, confirmations of a STOP, and caps of people who were linked.
#include <set>

#include "services/base/errors.h"
#include "services/dispatch/desk_fixture.h"

namespace pharos::dispatch {
namespace {

using customer::internal::v1::RecordReplyResponse;

constexpr int64_t kHour = int64_t{3600} * 1'000'000;
constexpr int64_t kDay = 24 * kHour;

class DeskWaitingTest : public DeskTest {
 protected:
  void LetPass(int64_t us) {
    clock_.Advance(us);
    Ticks();
  }
  // What this connector is given now.
  std::vector<internal::v1::Attempt> Given(const SessionPtr& session) {
    Pull(session, ++pulls_);
    Ticks();
    Grant();
    return Attempts(session);
  }
  absl::Status Say(internal::v1::Steering steering, uint64_t revision) {
    internal::v1::SteerCampaignRequest request;
    request.set_campaign(campaign_);
    request.set_steering(steering);
    request.set_revision(revision);
    internal::v1::SteerCampaignResponse response;
    absl::Status status;
    Turned([&](Turn& turn) { status = desk_->Steer(turn, request, response); });
    return status;
  }
  // A word from the person, and customer's answer.
  size_t Hears(const SessionPtr& session, const std::string& text, const std::string& id) {
    auto inbound = Says(text);
    inbound.mutable_messages(0)->set_id(id);
    Hear(session, inbound);
    return customer_->replies.size() - 1;
  }
  static RecordReplyResponse Changed(const std::string& opt_out) {
    RecordReplyResponse response;
    response.set_opt_out(opt_out);
    response.set_endpoint(Endpoint(0));
    response.set_changed(true);
    return response;
  }
  void Durable(size_t reply, const RecordReplyResponse& response) {
    customer_->replies.at(reply).stages.durable(response);
    TakeAnswers();
  }
  void Acknowledged(size_t reply, const RecordReplyResponse& response) {
    customer_->replies.at(reply).stages.acknowledged(response);
    TakeAnswers();
  }
  // Somebody had our message and says STOP.
  SessionPtr Stopped() {
    auto [session, attempt] = InFlight();
    Report(session, Accepted(attempt.id(), "m1"));
    const size_t stop = Hears(session, "STOP", "mo1");
    Durable(stop, Changed("optOuts/o1"));
    Acknowledged(stop, Changed("optOuts/o1"));
    EXPECT_EQ(Tally(kConfirmations).pending(), 1);
    return session;
  }
  uint64_t pulls_ = 10;
};

TEST_F(DeskWaitingTest, ALateGoDoesNotOvertakeAPause) {
  Plan(1);
  const auto session = Connect();
  EXPECT_TRUE(Say(internal::v1::GO, 4).ok());
  EXPECT_TRUE(Say(internal::v1::HOLD, 6).ok());
  EXPECT_EQ(base::ReasonOf(Say(internal::v1::GO, 5)), "STEERING_OVERTAKEN");
  EXPECT_TRUE(Given(session).empty());
  Restart();
  EXPECT_EQ(base::ReasonOf(Say(internal::v1::GO, 5)), "STEERING_OVERTAKEN");
  EXPECT_TRUE(Say(internal::v1::HOLD, 6).ok()) << "the same word again";
  EXPECT_TRUE(Say(internal::v1::GO, 7).ok());
  EXPECT_EQ(Given(Connect()).size(), 1u);
  EXPECT_TRUE(Say(internal::v1::HALT, 1).ok()) << "a stop is never too late";
}

TEST_F(DeskWaitingTest, TheSameWordOfALaterRevisionCounts) {
  Plan(1);
  EXPECT_TRUE(Say(internal::v1::HOLD, 6).ok());
  EXPECT_EQ(base::ReasonOf(Say(internal::v1::GO, 5)), "STEERING_OVERTAKEN");
}

TEST_F(DeskWaitingTest, QuietHoursFollowAClockThatIsSet) {
  manifest_.mutable_rules()->set_quiet_from_minute(20 * 60);
  manifest_.mutable_rules()->set_quiet_until_minute(8 * 60);
  Plan(1);
  Steer(internal::v1::GO);
  const auto session = Connect();
  const int64_t midnight = clock_.WallMicros() / kDay * kDay;
  clock_.SetWall(midnight + kDay + 23 * kHour);
  LetPass(3'000'000);
  EXPECT_TRUE(Given(session).empty());
  EXPECT_EQ(desk_->HeldWhy(campaign_), "quiet hours of this campaign");
  clock_.SetWall(midnight + 2 * kDay + 12 * kHour);
  LetPass(3'000'000);
  EXPECT_EQ(Given(session).size(), 1u);
}

TEST_F(DeskWaitingTest, AfterAClockIsSetBackWhatIsPlannedThenLeaves) {
  const auto session = Connect();
  Plan(1);
  Steer(internal::v1::GO);
  EXPECT_EQ(Given(session).size(), 1u);
  clock_.SetWall(clock_.WallMicros() - 2 * kHour);
  LetPass(10'000);
  campaign_ = "campaigns/second";
  Plan(SmsMembers(2));
  Steer(internal::v1::GO);
  EXPECT_EQ(Given(session).size(), 2u);
}

TEST_F(DeskWaitingTest, LeasesDoNotFollowTheWallClock) {
  const auto session = Asked(1);
  clock_.SetWall(clock_.WallMicros() + kDay);
  Grant();
  EXPECT_EQ(Attempts(session).size(), 1u);
}

TEST_F(DeskWaitingTest, CapsCountWhatWentToAFormerNameOfThePerson) {
  DispatchSettings settings;
  settings.caps.person_most = 1;
  settings.caps.person_days = 7;
  UseSettings(settings);
  const auto session = Connect();
  Plan({Member(0, type::v1::CHANNEL_SMS, Endpoint(0))});
  Steer(internal::v1::GO);
  EXPECT_EQ(Given(session).size(), 1u);
  LetPass(3'000'000);
  campaign_ = "campaigns/second";
  Plan({Member(1, type::v1::CHANNEL_SMS, Endpoint(1))});
  Steer(internal::v1::GO);
  Pull(session, ++pulls_);
  Ticks();
  Grant({{"people/p1", {"people/p1", "people/p0"}}});  // p0 has been linked into p1 since
  EXPECT_TRUE(Attempts(session).empty());
  EXPECT_EQ(Tally(campaign_).withheld().at("FREQUENCY_CAP"), 1);
}

TEST_F(DeskWaitingTest, ThoseWhoWaitForASlowMailSiteComeBackOneAfterTheOther) {
  DispatchSettings settings;
  settings.routes["smtp"].per_domain_second = 10;
  UseSettings(settings);
  WriteEmailToo();
  Plan(EmailMembers(20));
  Steer(internal::v1::GO);
  EXPECT_EQ(Given(ConnectEmail()).size(), 1u);
  std::set<int64_t> due;
  int64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    if (StateOf(Intent(i)) != State::kPending) continue;
    due.insert(Intent(i).due_time_us());
    last = std::max(last, Intent(i).due_time_us());
  }
  EXPECT_EQ(due.size(), 19u);
  EXPECT_EQ(last - clock_.WallMicros(), 1'900'000) << "at the site's pace";
}

TEST_F(DeskWaitingTest, WhatDoesNotLeaveUsesUpNoPace) {
  DispatchSettings settings;
  settings.routes["smpp"].per_second = 1;
  UseSettings(settings);
  const auto session = Asked(2);
  ASSERT_EQ(customer_->asked.size(), 1u);
  auto question = std::exchange(customer_->asked, {}).at(0);
  ASSERT_EQ(question.request.requests_size(), 1);
  IssuePermitsResponse response;
  auto* answer = response.add_answers();
  answer->set_id(question.request.requests(0).id());
  answer->set_denied(type::v1::OPTED_OUT);
  Answer(question, response);
  EXPECT_EQ(Given(session).size(), 1u) << "at once: nothing has left yet";
  EXPECT_TRUE(Given(session).empty());
}

TEST_F(DeskWaitingTest, AConfirmationIsNotSentADayLate) {
  const auto session = Stopped();
  LetPass(kConfirmationMicros + 1'000'000);
  EXPECT_TRUE(Given(session).empty());
  EXPECT_EQ(Tally(kConfirmations).withheld().at("EXPIRED"), 1);
}

TEST_F(DeskWaitingTest, AConfirmationIsStillSentAfterHours) {
  const auto session = Stopped();
  LetPass(20 * kHour);
  EXPECT_EQ(Given(session).size(), 1u);
}

TEST_F(DeskWaitingTest, WhoSaysStartIsNotToldThatTheyAreOptedOut) {
  const auto session = Stopped();
  LetPass(1'000'000);
  Durable(Hears(session, "START", "mo2"), Changed("optOuts/o1"));
  EXPECT_TRUE(Given(session).empty());
  EXPECT_EQ(Tally(kConfirmations).withheld().at("STARTED_AGAIN"), 1);
}

TEST_F(DeskWaitingTest, NorIfTheStartComesBeforeTheStopIsAcknowledged) {
  auto [session, attempt] = InFlight();
  Report(session, Accepted(attempt.id(), "m1"));
  const size_t stop = Hears(session, "STOP", "mo1");
  Durable(stop, Changed("optOuts/o1"));
  LetPass(1'000'000);
  Durable(Hears(session, "START", "mo2"), Changed("optOuts/o1"));
  Acknowledged(stop, Changed("optOuts/o1"));
  EXPECT_EQ(Tally(kConfirmations).intents(), 0);
}

TEST_F(DeskWaitingTest, AStopAfterTheStartIsConfirmed) {
  const auto session = Stopped();
  LetPass(1'000'000);
  Durable(Hears(session, "START", "mo2"), Changed("optOuts/o1"));
  LetPass(1'000'000);
  const size_t stop = Hears(session, "STOP", "mo3");
  Durable(stop, Changed("optOuts/o2"));
  Acknowledged(stop, Changed("optOuts/o2"));
  const auto attempts = Given(session);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].text(), kConfirmationText);
}

}  // namespace
}  // namespace pharos::dispatch
