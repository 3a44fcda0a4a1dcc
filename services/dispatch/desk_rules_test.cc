// Rules of a campaign's sending at the desk: hours, canary, caps, paces, doubts, routes, recalls, links.
#include "services/base/errors.h"
#include "services/dispatch/calendar.h"
#include "services/dispatch/desk_fixture.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kMinute = 60'000'000;

class DeskRulesTest : public DeskTest {
 protected:
  // Microseconds of the fixture's day at which it is so many minutes after midnight, UTC, in winter.
  void SetWall(int64_t us) { clock_.Advance(us - clock_.WallMicros()); }
  // Everything that a connector with this window can be given now, taken and accepted.
  int SendAll(const SessionPtr& session, uint64_t& pull) {
    int sent = 0;
    // Twice with nothing: permits that were asked for long ago may have been answered too late.
    for (int idle = 0; idle < 2;) {
      Pull(session, ++pull);
      Ticks();
      Grant();
      const auto attempts = Attempts(session);
      idle = attempts.empty() ? idle + 1 : 0;
      for (const auto& attempt : attempts) Report(session, Accepted(attempt.id(), base::ToHex(attempt.id())));
      sent += static_cast<int>(attempts.size());
    }
    return sent;
  }
  void LetPass(int64_t us) {
    clock_.Advance(us);
    Ticks();
  }
};

TEST_F(DeskRulesTest, InQuietHoursNothingLeavesAndAfterThemEverythingDoes) {
  manifest_.mutable_rules()->set_quiet_from_minute(0);
  manifest_.mutable_rules()->set_quiet_until_minute(1439);
  Plan(3);
  Steer(internal::v1::GO);
  const auto session = Connect();
  uint64_t pull = 0;
  // A day has one minute that is not quiet: 23:59.
  const int64_t day = clock_.WallMicros() / (1440 * kMinute) * (1440 * kMinute);
  SetWall(day + 2 * 1440 * kMinute + 12 * 60 * kMinute);
  EXPECT_EQ(SendAll(session, pull), 0);
  EXPECT_EQ(desk_->HeldWhy(campaign_), "quiet hours of this campaign");
  SetWall(day + 2 * 1440 * kMinute + 1439 * kMinute - (IsSummerTime(clock_.WallMicros()) ? 60 : 0) * kMinute);
  Ticks();
  EXPECT_EQ(SendAll(session, pull), 3);
}

TEST_F(DeskRulesTest, TheCanaryGoesFirstAndTheRestWaitsForIt) {
  manifest_.mutable_rules()->set_canary_permille(100);
  manifest_.mutable_rules()->set_canary_wait_s(60);
  Plan(20);
  Steer(internal::v1::GO);
  const auto session = Connect();
  uint64_t pull = 0;
  EXPECT_EQ(SendAll(session, pull), 2);
  LetPass(30'000'000);
  EXPECT_EQ(SendAll(session, pull), 0);
  EXPECT_NE(desk_->HeldWhy(campaign_).find("canary"), std::string::npos);
  LetPass(31'000'000);
  EXPECT_EQ(SendAll(session, pull), 18);
}

TEST_F(DeskRulesTest, ACanaryThatFailsHoldsTheRestUntilAPersonSaysGoOn) {
  manifest_.mutable_rules()->set_canary_permille(100);
  manifest_.mutable_rules()->set_canary_wait_s(60);
  Plan(20);
  Steer(internal::v1::GO);
  const auto session = Connect();
  Pull(session, 1);
  Ticks();
  Grant();
  for (const auto& attempt : Attempts(session)) Report(session, Rejected(attempt.id(), "INVALID_NUMBER"));
  LetPass(61'000'000);
  uint64_t pull = 1;
  EXPECT_EQ(SendAll(session, pull), 0);
  EXPECT_NE(desk_->HeldWhy(campaign_).find("failed"), std::string::npos) << desk_->HeldWhy(campaign_);
  Restart();  // GO said again after a restart is nobody's decision
  Steer(internal::v1::GO);
  auto again = Connect();
  pull = 0;
  EXPECT_EQ(SendAll(again, pull), 0);
  internal::v1::SteerCampaignRequest go_on;
  go_on.set_campaign(campaign_);
  go_on.set_steering(internal::v1::GO);
  go_on.set_go_on(true);
  internal::v1::SteerCampaignResponse response;
  Turned([&](Turn& turn) { EXPECT_TRUE(desk_->Steer(turn, go_on, response).ok()); });
  LetPass(3'000'000);
  EXPECT_EQ(SendAll(again, pull), 18);
}

TEST_F(DeskRulesTest, CapsCountOverAllCampaignsAndHoldBackTheNext) {
  DispatchSettings settings;
  settings.caps.person_most = 2;
  settings.caps.person_days = 7;
  UseSettings(settings);
  const auto session = Connect();
  uint64_t pull = 0;
  for (const char* name : {"campaigns/a", "campaigns/b", "campaigns/c"}) {
    campaign_ = name;
    Plan(1);
    Steer(internal::v1::GO);
    LetPass(3'000'000);
    EXPECT_EQ(SendAll(session, pull), campaign_ == "campaigns/c" ? 0 : 1) << desk_->HeldWhy(campaign_);
  }
  EXPECT_EQ(Tally("campaigns/b").sent(), 1);
  EXPECT_EQ(Tally("campaigns/c").withheld().at("FREQUENCY_CAP"), 1);
  LetPass(int64_t{8} * 24 * 3600 * 1'000'000);
  campaign_ = "campaigns/d";
  Plan(1);
  Steer(internal::v1::GO);
  LetPass(3'000'000);
  EXPECT_EQ(SendAll(Connect(std::string(16, 'M')), pull = 0), 1);
}

TEST_F(DeskRulesTest, ARouteGoesNoFasterThanItsLimit) {
  DispatchSettings settings;
  settings.routes["smpp"].per_second = 10;
  UseSettings(settings);
  Plan(60);
  Steer(internal::v1::GO);
  const auto session = Connect();
  uint64_t pull = 0;
  int sent = 0;
  for (int tenth = 0; tenth < 30; ++tenth) {
    sent += SendAll(session, pull);
    LetPass(100'000);
  }
  EXPECT_GE(sent, 28);
  EXPECT_LE(sent, 35);
}

TEST_F(DeskRulesTest, OneCampaignDoesNotStarveAnother) {
  Plan(200);
  Steer(internal::v1::GO);
  campaign_ = "campaigns/second";
  Plan(4);
  Steer(internal::v1::GO);
  const auto session = Connect();
  Pull(session, 1, 64);
  Ticks();
  Grant();
  EXPECT_EQ(Tally("campaigns/second").in_flight(), 4);
}

TEST_F(DeskRulesTest, StoppingRecallsWhatAConnectorHasNotBegun) {
  auto [session, attempt] = InFlight();
  Steer(internal::v1::HALT);
  std::vector<std::string> recalled;
  for (const auto& message : session->outbox.PopAll(100, 0)) {
    recalled.insert(recalled.end(), message.recall().ids().begin(), message.recall().ids().end());
  }
  EXPECT_THAT(recalled, testing::ElementsAre(attempt.id()));
  internal::v1::Outcome outcome = Refused(attempt.id());
  outcome.mutable_refused()->set_reason("RECALLED");
  Report(session, outcome);
  EXPECT_EQ(Tally().withheld().at("STOPPED"), 1);
}

TEST_F(DeskRulesTest, APausedConnectorCarriesNothingUntilItIsResumed) {
  Plan(2);
  Steer(internal::v1::GO);
  const auto session = Connect();
  Turned([&](Turn& turn) { desk_->PauseConnector(turn, "smpp", "a test"); });
  uint64_t pull = 0;
  EXPECT_EQ(SendAll(session, pull), 0);
  Restart();
  const auto again = Connect();
  pull = 0;
  EXPECT_EQ(SendAll(again, pull), 0);  // it survives a restart
  Turned([&](Turn& turn) { EXPECT_TRUE(desk_->ResumeConnector(turn, "smpp")); });
  Turned([&](Turn& turn) { EXPECT_FALSE(desk_->ResumeConnector(turn, "never-seen")); });
  EXPECT_EQ(SendAll(again, pull), 2);
}

TEST_F(DeskRulesTest, ARefusalOfEverythingHoldsTheRouteAndFailsNobody) {
  auto [session, attempt] = InFlight();
  internal::v1::Outcome outcome = Rejected(attempt.id(), "WRONG_SENDER");
  outcome.mutable_rejected()->set_scope(internal::v1::ROUTE);
  outcome.mutable_rejected()->set_retry_after_ms(30'000);
  Report(session, outcome);
  EXPECT_EQ(Tally().pending(), 1);
  EXPECT_EQ(desk_->Connectors().at("smpp").refused.at("WRONG_SENDER"), 1);
  uint64_t pull = 1;
  LetPass(10'000'000);
  EXPECT_EQ(SendAll(session, pull), 0);
  LetPass(21'000'000);
  EXPECT_EQ(SendAll(session, pull), 1);
}

TEST_F(DeskRulesTest, AnUnconfirmedMessageIsSentAgainOnlyWhereTheCampaignSaysSoAndByTheSameRoute) {
  manifest_.set_purpose_class(type::v1::PURPOSE_CLASS_SERVICE);
  manifest_.mutable_rules()->set_in_doubt(type::v1::PREFER_DUPLICATE);
  manifest_.mutable_rules()->set_in_doubt_after_s(60);
  auto [session, attempt] = InFlight();
  internal::v1::Outcome outcome;
  outcome.set_id(attempt.id());
  outcome.mutable_no_answer()->set_reason("LINK_LOST");
  Report(session, outcome);
  EXPECT_EQ(Tally().unconfirmed(), 1);
  LetPass(50'000'000);
  uint64_t pull = 1;
  EXPECT_EQ(SendAll(session, pull), 0);
  LetPass(11'000'000);
  EXPECT_EQ(Tally().pending(), 1);
  EXPECT_EQ(Intent().only_connector(), "smpp");
  EXPECT_EQ(SendAll(session, pull), 1);
  EXPECT_TRUE(WasResent(Intent()));
}

TEST_F(DeskRulesTest, AnUnconfirmedMessageStaysSoByDefault) {
  auto [session, attempt] = InFlight();
  internal::v1::Outcome outcome;
  outcome.set_id(attempt.id());
  outcome.mutable_no_answer()->set_reason("LINK_LOST");
  Report(session, outcome);
  LetPass(int64_t{30} * 24 * 3600 * 1'000'000);
  EXPECT_EQ(Tally().unconfirmed(), 1);
  uint64_t pull = 1;
  EXPECT_EQ(SendAll(session, pull), 0);
}

class LookUpTest : public DeskRulesTest {
 protected:
  // In doubt at a connector whose provider can be asked; the ids that it was asked about after `wait_us`.
  std::vector<std::string> AskedAfter(int64_t wait_us) {
    session_ = Asked(1);
    session_->hello.set_can_look_up(true);
    Grant();
    attempt_ = Attempts(session_).at(0);
    internal::v1::Outcome outcome;
    outcome.set_id(attempt_.id());
    outcome.mutable_no_answer()->set_reason("LINK_LOST");
    Report(session_, outcome);
    session_->outbox.PopAll(100, 0);
    LetPass(wait_us);
    std::vector<std::string> ids;
    for (const auto& message : session_->outbox.PopAll(100, 0)) {
      ids.insert(ids.end(), message.look_up().ids().begin(), message.look_up().ids().end());
    }
    return ids;
  }
  void Find(const std::function<void(internal::v1::Finding&)>& verdict) {
    internal::v1::Findings findings;
    findings.add_findings()->set_id(attempt_.id());
    verdict(*findings.mutable_findings(0));
    Turned([&](Turn& turn) { desk_->OnFindings(turn, session_, findings); });
  }
  SessionPtr session_;
  internal::v1::Attempt attempt_;
};

TEST_F(LookUpTest, TheProviderIsNotAskedBeforeTheHardStop) {
  EXPECT_TRUE(AskedAfter(1'500'000).empty());
  Find([](auto& finding) { finding.set_not_there(true); });  // nobody asked: proves nothing
  EXPECT_EQ(Tally().unconfirmed(), 1);
}

TEST_F(LookUpTest, WhatTheProviderHasIsSent) {
  const auto asked = AskedAfter(4'000'000);
  EXPECT_THAT(asked, testing::ElementsAre(attempt_.id()));
  Find([](auto& finding) { finding.mutable_there()->add_provider_ids("n1"); });
  EXPECT_EQ(Tally().sent(), 1);
}

TEST_F(LookUpTest, WhatTheProviderDoesNotHaveWaitsAgain) {
  EXPECT_EQ(AskedAfter(4'000'000).size(), 1u);
  Find([](auto& finding) { finding.set_not_there(true); });
  EXPECT_EQ(Tally().pending(), 1);
  uint64_t pull = 5;
  EXPECT_EQ(SendAll(session_, pull), 1);
}

TEST_F(DeskRulesTest, AComplaintSuppressesAndCountsOnce) {
  WriteEmailToo();
  Plan(EmailMembers(1));
  Steer(internal::v1::GO);
  const auto session = ConnectEmail();
  Pull(session, 1);
  Ticks();
  Grant();
  const auto attempt = Attempts(session).at(0);
  Report(session, Accepted(attempt.id(), base::ToHex(attempt.id())));
  internal::v1::Receipt complaint = Receipt(base::ToHex(attempt.id()), internal::v1::EN_ROUTE);
  complaint.set_complaint(true);
  Receive(session, complaint);
  Receive(session, complaint);
  EXPECT_EQ(Tally().complained(), 1);
  EXPECT_THAT(Responses(), testing::ElementsAre(Intent().key().person() + " COMPLAINED"));
  ASSERT_FALSE(customer_->reports.empty());
  EXPECT_EQ(customer_->reports[0].request.reports(0).reason(), type::v1::COMPLAINT);
}

TEST_F(DeskRulesTest, AComplaintThatIsQuickerThanTheAnswerCountsWhenThatComes) {
  WriteEmailToo();
  Plan(EmailMembers(1));
  Steer(internal::v1::GO);
  const auto session = ConnectEmail();
  Pull(session, 1);
  Ticks();
  Grant();
  const auto attempt = Attempts(session).at(0);
  internal::v1::Receipt complaint = Receipt("queued-as-7", internal::v1::EN_ROUTE);
  complaint.set_complaint(true);
  Receive(session, complaint);
  Receive(session, Receipt("queued-as-7", internal::v1::DELIVERED));
  EXPECT_EQ(Tally().complained(), 0);
  Report(session, Accepted(attempt.id(), "queued-as-7"));
  EXPECT_EQ(Tally().complained(), 1);
  EXPECT_EQ(Tally().delivered(), 1);
}

TEST_F(DeskRulesTest, FreeTextThatSpeaksOfStoppingIsActedOnAndShownToAPerson) {
  auto [session, attempt] = InFlight();
  Report(session, Accepted(attempt.id(), "m1"));
  const auto inbound = Says("please can you stop sending these to me");
  Turned([&](Turn& turn) { desk_->OnInbound(turn, session, inbound); });
  ASSERT_EQ(customer_->replies.size(), 1u);
  customer_->replies[0].stages.durable({});
  for (auto& input : loop_->TakeInputsForTest()) Turned(input);
  ASSERT_EQ(Replies().size(), 1u);
  EXPECT_EQ(Replies()[0].kind(), "STOP");
  EXPECT_TRUE(Replies()[0].for_review());
}

class LinkTest : public DeskRulesTest {
 protected:
  // The token in the link of an email that was handed over.
  std::string Token() {
    DispatchSettings settings;
    settings.edge_url = "https://edge.example";
    UseSettings(settings);
    WriteEmailToo();
    Plan(EmailMembers(1));
    Steer(internal::v1::GO);
    const auto session = ConnectEmail();
    Pull(session, 1);
    Ticks();
    Grant();
    const std::string url = Attempts(session).at(0).email().one_click_url();
    EXPECT_EQ(url.rfind("https://edge.example/u/", 0), 0u);
    return url.substr(url.rfind('/') + 1);
  }
  void Follow(const std::string& token, ReplyMeaning choice = ReplyMeaning::kUnsubscribe) {
    Turned([&](Turn& turn) {
      desk_->Choose(turn, token, choice,
                    [this](const absl::StatusOr<Chosen>& answer) { answers_.push_back(answer); });
    });
  }
  // Customer's two answers to what it was asked as the `n`th.
  void Answer(size_t n, const std::string& opt_out, bool changed = true, int64_t until_us = 0) {
    customer::internal::v1::RecordReplyResponse response;
    response.set_opt_out(opt_out);
    response.set_changed(changed);
    response.set_until_us(until_us);
    customer_->replies.at(n).stages.durable(response);
    customer_->replies.at(n).stages.acknowledged(response);
    TakeAnswers();
  }
  std::vector<absl::StatusOr<Chosen>> answers_;
};

TEST_F(LinkTest, FollowingItOptsOutAndIsAnsweredOnlyWhenThatIsAcknowledged) {
  Follow(Token());
  ASSERT_EQ(customer_->replies.size(), 1u);
  EXPECT_EQ(customer_->replies[0].request.kind(), customer::internal::v1::UNSUBSCRIBE);
  EXPECT_EQ(customer_->replies[0].request.purpose(), "purposes/quit");
  EXPECT_TRUE(answers_.empty());
  customer::internal::v1::RecordReplyResponse response;
  response.set_opt_out("optOuts/1");
  response.set_changed(true);
  customer_->replies[0].stages.durable(response);
  TakeAnswers();
  EXPECT_TRUE(answers_.empty());
  customer_->replies[0].stages.acknowledged(response);
  TakeAnswers();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0]->opt_out, "optOuts/1");
  EXPECT_EQ(Tally().opted_out(), 1);
}

TEST_F(LinkTest, EachChoiceSaysWhoseItIsAndByWhichMessage) {
  const std::string token = Token();
  Follow(token, ReplyMeaning::kPause);
  Follow(token, ReplyMeaning::kStopAll);
  Follow(token, ReplyMeaning::kResume);
  ASSERT_EQ(customer_->replies.size(), 3u);
  using namespace customer::internal::v1;  // NOLINT: kinds
  EXPECT_EQ(customer_->replies[0].request.kind(), PAUSE_PERSON);
  EXPECT_EQ(customer_->replies[0].request.until_us(), clock_.WallMicros() + kPauseMicros);
  EXPECT_EQ(customer_->replies[1].request.kind(), UNSUBSCRIBE_ALL);
  EXPECT_EQ(customer_->replies[2].request.kind(), RESUME);
  for (const auto& reply : customer_->replies) {
    EXPECT_EQ(reply.request.person(), Intent().key().person());
    EXPECT_EQ(reply.request.message(), Intent().key().campaign() + "/steps/" + Intent().key().step());
    EXPECT_TRUE(reply.request.address().empty());
  }
  Answer(0, "optOuts/1", true, 123);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(answers_[0]->until_us, 123);
  EXPECT_EQ(Tally().opted_out(), 0) << "a pause is no opt-out";
}

TEST_F(LinkTest, WhoStopsThisAndThenEverythingIsCountedOnce) {
  const std::string token = Token();
  Follow(token);
  Answer(0, "optOuts/1");
  Follow(token, ReplyMeaning::kStopAll);
  Answer(1, "optOuts/2");
  Follow(token, ReplyMeaning::kResume);
  Answer(2, "optOuts/3");
  Follow(token);
  Answer(3, "optOuts/4");
  EXPECT_EQ(answers_.size(), 4u);
  EXPECT_EQ(Tally().opted_out(), 1);
}

TEST_F(LinkTest, PressedTwiceAtOnceIsOneChoiceUnlessSomethingWasTakenBackBetween) {
  const std::string token = Token();
  Follow(token, ReplyMeaning::kStopAll);
  Follow(token, ReplyMeaning::kStopAll);
  ASSERT_EQ(customer_->replies.size(), 1u);
  Follow(token, ReplyMeaning::kResume);
  Follow(token, ReplyMeaning::kStopAll);
  ASSERT_EQ(customer_->replies.size(), 3u) << "the first may be what was taken back";
  Answer(0, "optOuts/1");
  EXPECT_EQ(answers_.size(), 2u);
  Answer(2, "optOuts/3");
  ASSERT_EQ(answers_.size(), 3u);
  EXPECT_EQ(answers_[2]->opt_out, "optOuts/3");
}

TEST_F(LinkTest, AStopIsAskedUntilCustomerAnswersButTakingBackOnlyOnce) {
  const std::string token = Token();
  Follow(token, ReplyMeaning::kStopAll);
  Follow(token, ReplyMeaning::kResume);
  customer_->replies.at(0).stages.failed(absl::UnavailableError("away"));
  customer_->replies.at(1).stages.failed(absl::UnavailableError("away"));
  TakeAnswers();
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(base::ReasonOf(answers_[0].status()), "NOT_ACKNOWLEDGED_YET");
  clock_.Advance(10'000'000);
  Ticks();
  ASSERT_EQ(customer_->replies.size(), 3u);
  EXPECT_EQ(customer_->replies[2].request.kind(), customer::internal::v1::UNSUBSCRIBE_ALL);
}

TEST_F(LinkTest, ATokenThatWeDidNotMakeIsRefused) {
  std::string token = Token();
  token.back() = token.back() == '0' ? '1' : '0';
  Follow(token);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_EQ(base::ReasonOf(answers_[0].status()), "LINK_UNKNOWN");
  EXPECT_TRUE(customer_->replies.empty());
}

TEST_F(LinkTest, ToLookAtItChangesNothing) {
  const std::string token = Token();
  for (int i = 0; i < 100; ++i) {
    Turned([&](Turn& turn) { EXPECT_EQ(desk_->PurposeOfLink(turn, token), "purposes/quit"); });
  }
  EXPECT_TRUE(customer_->replies.empty());
}

}  // namespace
}  // namespace pharos::dispatch
