// Approvals, schedules, email, unsubscribing, endpoints that do not exist, and the trial mode.
#include "services/base/errors.h"
#include "services/dispatch/desk_fixture.h"

namespace pharos::dispatch {
namespace {

using customer::internal::v1::IssuePermitsResponse;
using customer::internal::v1::RecordReplyResponse;

class DeskApprovalTest : public DeskTest {
 protected:
  std::string RefusalOf(const internal::v1::DeclareStepRequest& step) {
    return std::string(base::ReasonOf(Declare(step)));
  }
  internal::v1::DeclareStepRequest step_ = StepFor(SmsMembers(2));
};

TEST_F(DeskApprovalTest, AnAlteredManifestIsForged) {
  manifest_.set_members(3);
  step_.mutable_approval()->set_manifest(manifest_.SerializeAsString());
  EXPECT_EQ(RefusalOf(step_), "APPROVAL_FORGED");
}

TEST_F(DeskApprovalTest, AnotherTextIsForged) {
  step_.mutable_content()->set_sms_body("Hello you");
  EXPECT_EQ(RefusalOf(step_), "APPROVAL_FORGED");
}

TEST_F(DeskApprovalTest, NobodyApprovesTheirOwnCampaign) {
  *step_.mutable_approval() = approver_.Sign(manifest_, manifest_.author());
  EXPECT_EQ(RefusalOf(step_), "APPROVAL_FORGED");
}

TEST_F(DeskApprovalTest, AnApprovalIsForOneCampaign) {
  step_.set_campaign("campaigns/other");
  EXPECT_EQ(RefusalOf(step_), "APPROVAL_FORGED");
}

TEST_F(DeskApprovalTest, AKeyThatAccessDoesNotKnowIsForged) {
  *step_.mutable_approval() = TestApprover().Sign(manifest_);
  EXPECT_EQ(RefusalOf(step_), "APPROVAL_FORGED");
}

TEST_F(DeskApprovalTest, BeforeAccessIsHeardOfNothingIsDeclared) {
  access_ = std::make_unique<policy::SnapshotHolder>();
  Restart();
  EXPECT_EQ(RefusalOf(step_), "ACCESS_AWAY");
}

TEST_F(DeskApprovalTest, OnlyTheApprovedMembersArePlanned) {
  ASSERT_EQ(Declare(step_), absl::OkStatus());
  EXPECT_EQ(base::ReasonOf(PlanPage(SmsMembers(3))), "MEMBERS_NOT_APPROVED");
  EXPECT_EQ(base::ReasonOf(PlanPage(SmsMembers(2), 1)), "MEMBERS_NOT_APPROVED");
  EXPECT_EQ(base::ReasonOf(PlanPage(EitherMembers(2))), "MEMBERS_NOT_APPROVED");
  EXPECT_EQ(Tally().intents(), 0);
  EXPECT_EQ(PlanPage(SmsMembers(2)), absl::OkStatus());
  EXPECT_EQ(Tally().intents(), 2);
}

class DeskEmailTest : public DeskTest {
 protected:
  DeskEmailTest() { WriteEmailToo(); }

  SessionPtr AskedByEmail() {
    Plan(EmailMembers(1));
    Steer(internal::v1::GO);
    auto session = ConnectEmail();
    Pull(session, 1);
    Ticks();
    return session;
  }
  // An email that the provider has.
  std::pair<SessionPtr, internal::v1::Attempt> SentByEmail() {
    auto session = AskedByEmail();
    Grant();
    auto attempt = Attempts(session).at(0);
    Report(session, Accepted(attempt.id(), base::ToHex(attempt.id())));
    return {session, attempt};
  }
  internal::v1::InboundMessages Unsubscribes(const std::string& attempt) {
    internal::v1::InboundMessages inbound = Says("please");
    inbound.mutable_messages(0)->set_from("p100@example.org");
    inbound.mutable_messages(0)->set_unsubscribe_attempt(attempt);
    return inbound;
  }
  static RecordReplyResponse OptedOut(const std::string& endpoint) {
    RecordReplyResponse response;
    response.set_opt_out("optOuts/o1");
    response.set_endpoint(endpoint);
    response.set_changed(true);
    return response;
  }
};

TEST_F(DeskEmailTest, APullGetsItsOwnChannelOnly) {
  auto members = SmsMembers(1);
  members.push_back(Member(1, type::v1::CHANNEL_EMAIL, Mailbox(1)));
  Plan(members);
  Steer(internal::v1::GO);
  auto sms = Connect();
  Pull(sms, 1);
  Ticks();
  ASSERT_EQ(customer_->asked.size(), 1u);
  ASSERT_EQ(customer_->asked[0].request.requests_size(), 1);
  EXPECT_EQ(customer_->asked[0].request.requests(0).channel(), type::v1::CHANNEL_SMS);
  auto email = ConnectEmail();
  Pull(email, 1);
  Ticks();
  ASSERT_EQ(customer_->asked.size(), 2u);
  ASSERT_EQ(customer_->asked[1].request.requests_size(), 1);
  EXPECT_EQ(customer_->asked[1].request.requests(0).channel(), type::v1::CHANNEL_EMAIL);
}

TEST_F(DeskEmailTest, AnEmailHasSubjectBothPartsAndSender) {
  auto session = AskedByEmail();
  Grant();
  const auto attempts = Attempts(session);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].sender(), "quit@trust.example");
  EXPECT_EQ(attempts[0].address(), "p100@example.org");
  EXPECT_EQ(attempts[0].email().from_name(), "Quit Team");
  EXPECT_EQ(attempts[0].email().subject(), "For Ada");
  EXPECT_TRUE(attempts[0].email().list_unsubscribe());
  EXPECT_THAT(attempts[0].text(), testing::HasSubstr("Dear Ada"));
  EXPECT_THAT(attempts[0].email().html(), testing::HasSubstr("<strong"));
}

TEST_F(DeskEmailTest, NothingLeavesBeforeItsTime) {
  manifest_.set_not_before_us(clock_.WallMicros() + 10'000'000);
  auto session = Asked(1);
  EXPECT_TRUE(customer_->asked.empty());
  clock_.Advance(10'000'000);
  Pull(session, 2);
  Ticks();
  EXPECT_EQ(customer_->asked.size(), 1u);
}

TEST_F(DeskEmailTest, NothingLeavesAfterItsTime) {
  manifest_.set_not_after_us(clock_.WallMicros() + 500'000);
  auto session = Asked(1);
  clock_.Advance(600'000);  // while the permit was asked for
  Grant();
  EXPECT_TRUE(Attempts(session).empty());
  EXPECT_EQ(Tally().withheld().at("EXPIRED"), 1);
}

TEST_F(DeskEmailTest, WhatNobodyPullsExpiresToo) {
  manifest_.set_not_after_us(clock_.WallMicros() + 500'000);
  Plan(2);
  Steer(internal::v1::GO);
  clock_.Advance(30'000'000);
  Ticks();
  EXPECT_EQ(Tally().withheld().at("EXPIRED"), 2);
}

TEST_F(DeskEmailTest, WhatNobodyPullsExpiresAfterARestartToo) {
  manifest_.set_not_after_us(clock_.WallMicros() + 500'000);
  Plan(2);
  Steer(internal::v1::GO);
  Restart();
  clock_.Advance(30'000'000);
  Ticks();
  EXPECT_EQ(Tally().pending(), 0);
}

TEST_F(DeskEmailTest, ARetiredPurposeIsWithheld) {
  Asked(1);
  auto question = customer_->asked.at(0);
  IssuePermitsResponse response;
  auto* answer = response.add_answers();
  answer->set_id(question.request.requests(0).id());
  answer->set_denied(type::v1::GATE_REASON_UNSPECIFIED);
  Answer(question, response);
  EXPECT_EQ(Tally().withheld().at("PURPOSE_RETIRED"), 1);
}

TEST_F(DeskEmailTest, AHardBounceIsReportedUntilCustomerHasIt) {
  auto [session, attempt] = SentByEmail();
  bool durable = false;
  customer_->on_report = [&] { durable = store_->Get(ReportKey(Mailbox(0)))->has_value(); };
  auto receipt = Receipt(base::ToHex(attempt.id()), internal::v1::UNDELIVERABLE);
  receipt.set_hard_bounce(true);
  Receive(session, receipt);
  Ticks();
  ASSERT_EQ(customer_->reports.size(), 1u);
  EXPECT_TRUE(durable) << "reported before the commit";
  EXPECT_EQ(customer_->reports[0].request.reports(0).endpoint(), Mailbox(0));
  EXPECT_EQ(customer_->reports[0].request.reports(0).reason(), type::v1::HARD_BOUNCE);

  Restart();
  Ticks();
  ASSERT_EQ(customer_->reports.size(), 1u);
  customer_->reports[0].done(absl::UnavailableError("away"));
  TakeAnswers();
  clock_.Advance(2'000'000);
  Ticks();
  ASSERT_EQ(customer_->reports.size(), 2u);
  customer_->reports[1].done(absl::OkStatus());
  TakeAnswers();
  EXPECT_FALSE(store_->Get(ReportKey(Mailbox(0)))->has_value());
  clock_.Advance(2'000'000);
  Ticks();
  EXPECT_EQ(customer_->reports.size(), 2u);
}

TEST_F(DeskEmailTest, UnsubscribingStopsThePurposeAndGetsNoConfirmation) {
  auto [session, attempt] = SentByEmail();
  Hear(session, Unsubscribes(attempt.id()));
  ASSERT_EQ(customer_->replies.size(), 1u);
  const auto& request = customer_->replies[0].request;
  EXPECT_EQ(request.kind(), customer::internal::v1::UNSUBSCRIBE);
  EXPECT_EQ(request.person(), "people/p0");
  EXPECT_EQ(request.purpose(), "purposes/quit");
  Attempts(session);
  EXPECT_TRUE(acknowledged_inbound_.empty());

  customer_->replies[0].stages.durable(OptedOut(""));
  TakeAnswers();
  Attempts(session);
  EXPECT_THAT(acknowledged_inbound_, testing::ElementsAre(7));
  customer_->replies[0].stages.acknowledged(OptedOut(""));
  TakeAnswers();
  ASSERT_EQ(Replies().size(), 1u);
  EXPECT_EQ(Replies()[0].kind(), "UNSUBSCRIBE");
  EXPECT_EQ(Tally().opted_out(), 1);
  EXPECT_THAT(Responses(), testing::ElementsAre(Intent().key().person() + " OPTED_OUT"));
  EXPECT_EQ(Tally(kConfirmations).intents(), 0);
}

TEST_F(DeskEmailTest, UnsubscribingFromAnUnknownMessageIsAcknowledgedAndIgnored) {
  auto [session, attempt] = SentByEmail();
  Hear(session, Unsubscribes(std::string(16, 'x')));
  Attempts(session);
  EXPECT_TRUE(customer_->replies.empty());
  EXPECT_THAT(acknowledged_inbound_, testing::ElementsAre(7));
}

TEST_F(DeskEmailTest, AReplyAboutNobodyIsAskedOnce) {
  auto [session, attempt] = SentByEmail();
  Hear(session, Unsubscribes(attempt.id()));
  customer_->replies.at(0).stages.failed(absl::NotFoundError("nobody"));
  TakeAnswers();
  Attempts(session);
  EXPECT_THAT(acknowledged_inbound_, testing::ElementsAre(7));
  clock_.Advance(10'000'000);
  Ticks();
  EXPECT_EQ(customer_->replies.size(), 1u);
  Restart();
  Ticks();
  EXPECT_TRUE(customer_->replies.empty());
}

TEST_F(DeskEmailTest, AStopByEmailIsNotConfirmedByText) {
  auto [session, attempt] = SentByEmail();
  auto inbound = Says("stop");
  inbound.mutable_messages(0)->set_from("p100@example.org");
  Hear(session, inbound);
  ASSERT_EQ(customer_->replies.size(), 1u);
  EXPECT_EQ(customer_->replies[0].request.kind(), customer::internal::v1::STOP);
  EXPECT_EQ(customer_->replies[0].request.channel(), type::v1::CHANNEL_EMAIL);
  customer_->replies[0].stages.durable(OptedOut(Mailbox(0)));
  customer_->replies[0].stages.acknowledged(OptedOut(Mailbox(0)));
  TakeAnswers();
  EXPECT_EQ(Tally(kConfirmations).intents(), 0);
}

TEST_F(DeskEmailTest, BackInTrialALiveRouteGetsNoMoreWork) {
  access_->Set(approver_.Snapshot(2, true));
  Plan(1);
  Steer(internal::v1::GO);
  auto session = Connect(std::string(16, 'L'), type::v1::CHANNEL_SMS, false);
  Pull(session, 1);
  Ticks();
  ASSERT_EQ(customer_->asked.size(), 1u);
  access_->Set(approver_.Snapshot(3, false));
  Grant();
  EXPECT_TRUE(session->ended);
  EXPECT_TRUE(Attempts(session).empty());
  Pull(session, 2);
  Ticks();
  EXPECT_TRUE(customer_->asked.empty());
  EXPECT_EQ(Tally().pending(), 1);
}

}  // namespace
}  // namespace pharos::dispatch
