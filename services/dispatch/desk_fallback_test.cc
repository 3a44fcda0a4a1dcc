// The next channel: tried after a known failure, never after a doubt or a rule's no.
#include "services/dispatch/desk_fixture.h"

namespace pharos::dispatch {
namespace {

using customer::internal::v1::IssuePermitsResponse;

class DeskFallbackTest : public DeskTest {
 protected:
  DeskFallbackTest() {
    WriteEmailToo();
    manifest_.set_fallback(true);
  }

  // The one member's SMS, in the connector's hands.
  internal::v1::Attempt ByText(const Members& members) {
    Plan(members);
    Steer(internal::v1::GO);
    sms_ = Connect();
    Pull(sms_, 1);
    Ticks();
    Grant();
    return Attempts(sms_).at(0);
  }
  void ExpectFallback(const std::string& reason) {
    const auto row = Intent();
    EXPECT_EQ(StateOf(row), State::kPending);
    EXPECT_EQ(row.reason(), "FALLBACK_FROM_" + reason);
    EXPECT_EQ(row.channel(), type::v1::CHANNEL_EMAIL);
    EXPECT_EQ(row.endpoint(), Mailbox(0));
    ASSERT_EQ(row.earlier_size(), 1);
    EXPECT_EQ(row.earlier(0).channel(), type::v1::CHANNEL_SMS);
    EXPECT_EQ(row.earlier(0).endpoint(), Endpoint(0));
    EXPECT_EQ(row.earlier(0).reason(), reason);
  }
  void ExpectSentByEmail() {
    auto email = ConnectEmail();
    Pull(email, 1);
    Ticks();
    Grant();
    const auto attempts = Attempts(email);
    ASSERT_EQ(attempts.size(), 1u);
    EXPECT_EQ(attempts[0].email().subject(), "For Ada");
    Report(email, Accepted(attempts[0].id(), base::ToHex(attempts[0].id())));
    EXPECT_EQ(Tally().sent(), 1);
    EXPECT_EQ(Tally().accepted_by_channel().at("CHANNEL_EMAIL"), 1);
  }

  SessionPtr sms_;
};

TEST_F(DeskFallbackTest, APermanentRejectionGoesOnByEmail) {
  const auto attempt = ByText(EitherMembers(1));
  Report(sms_, Rejected(attempt.id(), "INVALID_NUMBER"));
  ExpectFallback("INVALID_NUMBER");
  ExpectSentByEmail();
}

TEST_F(DeskFallbackTest, WhatWasSentAgainAfterADoubtGoesOnNowhere) {
  manifest_.set_purpose_class(type::v1::PURPOSE_CLASS_SERVICE);
  manifest_.mutable_rules()->set_in_doubt(type::v1::PREFER_DUPLICATE);
  manifest_.mutable_rules()->set_in_doubt_after_s(60);
  const auto attempt = ByText(EitherMembers(1));
  internal::v1::Outcome outcome;
  outcome.set_id(attempt.id());
  outcome.mutable_no_answer()->set_reason("LINK_LOST");
  Report(sms_, outcome);
  clock_.Advance(61'000'000);
  Ticks();
  Pull(sms_, 2);
  Ticks();
  Grant();
  const auto attempts = Attempts(sms_);
  ASSERT_EQ(attempts.size(), 1u);
  Report(sms_, Rejected(attempts[0].id(), "INVALID_NUMBER"));
  EXPECT_EQ(StateOf(Intent()), State::kFailed);
}

TEST_F(DeskFallbackTest, ABadReceiptGoesOnByEmail) {
  const auto attempt = ByText(EitherMembers(1));
  Report(sms_, Accepted(attempt.id(), "m1"));
  Receive(sms_, Receipt("m1", internal::v1::UNDELIVERABLE));
  ExpectFallback("UNDELIVERABLE");
  EXPECT_THAT(Intent().earlier(0).provider_ids(), testing::ElementsAre("m1"));
  ExpectSentByEmail();
}

TEST_F(DeskFallbackTest, BadReceiptsOfEveryPartGoOnByEmail) {
  content_.set_sms_body(std::string(200, 'a'));
  const auto attempt = ByText(EitherMembers(1));
  auto outcome = Accepted(attempt.id(), "m1");
  outcome.mutable_accepted()->add_provider_ids("m2");
  Report(sms_, outcome);
  Receive(sms_, Receipt("m1", internal::v1::UNDELIVERABLE));
  EXPECT_NE(Intent().channel(), type::v1::CHANNEL_EMAIL);  // the other part may have arrived
  Receive(sms_, Receipt("m2", internal::v1::UNDELIVERABLE));
  ExpectFallback("UNDELIVERABLE");
}

TEST_F(DeskFallbackTest, APartThatArrivedKeepsTheMessageWhereItIs) {
  content_.set_sms_body(std::string(200, 'a'));
  const auto attempt = ByText(EitherMembers(1));
  auto outcome = Accepted(attempt.id(), "m1");
  outcome.mutable_accepted()->add_provider_ids("m2");
  Report(sms_, outcome);
  Receive(sms_, Receipt("m1", internal::v1::DELIVERED));
  Receive(sms_, Receipt("m2", internal::v1::UNDELIVERABLE));
  EXPECT_EQ(Tally().failed().at("UNDELIVERABLE"), 1);
}

TEST_F(DeskFallbackTest, ALateReceiptForTheOldAttemptChangesNothing) {
  const auto attempt = ByText(EitherMembers(1));
  Report(sms_, Accepted(attempt.id(), "m1"));
  Receive(sms_, Receipt("m1", internal::v1::EXPIRED));
  const auto before = Intent();
  Receive(sms_, Receipt("m1", internal::v1::UNDELIVERABLE));
  EXPECT_EQ(Intent().SerializeAsString(), before.SerializeAsString());
  ExpectSentByEmail();
  Receive(sms_, Receipt("m1", internal::v1::DELIVERED));
  EXPECT_EQ(Tally().sent(), 1);
  EXPECT_EQ(Tally().delivered(), 0);
}

TEST_F(DeskFallbackTest, NeverAfterADoubt) {
  const auto attempt = ByText(EitherMembers(1));
  internal::v1::Outcome lost;
  lost.set_id(attempt.id());
  lost.mutable_no_answer()->set_reason("LINK_LOST");
  Report(sms_, lost);
  EXPECT_EQ(Tally().unconfirmed(), 1);
  EXPECT_EQ(Intent().channel(), type::v1::CHANNEL_SMS);
}

TEST_F(DeskFallbackTest, NotWhenAPartMayHaveArrived) {
  const auto attempt = ByText(EitherMembers(1));
  Report(sms_, Rejected(attempt.id(), "PARTIAL"));
  EXPECT_EQ(Tally().failed().at("PARTIAL"), 1);
}

TEST_F(DeskFallbackTest, NotWhenTheGateSaidNo) {
  Plan(EitherMembers(1));
  Steer(internal::v1::GO);
  Pull(Connect(), 1);
  Ticks();
  auto question = customer_->asked.at(0);
  IssuePermitsResponse response;
  auto* answer = response.add_answers();
  answer->set_id(question.request.requests(0).id());
  answer->set_denied(type::v1::ENDPOINT_SUPPRESSED);
  Answer(question, response);
  EXPECT_EQ(Tally().withheld().at("ENDPOINT_SUPPRESSED"), 1);
}

TEST_F(DeskFallbackTest, NotWithoutTheRule) {
  manifest_.set_fallback(false);
  const auto attempt = ByText(EitherMembers(1));
  Report(sms_, Rejected(attempt.id(), "INVALID_NUMBER"));
  EXPECT_EQ(Tally().failed().at("INVALID_NUMBER"), 1);
}

TEST_F(DeskFallbackTest, NotWithoutAnotherChannel) {
  const auto attempt = ByText(SmsMembers(1));
  Report(sms_, Rejected(attempt.id(), "INVALID_NUMBER"));
  EXPECT_EQ(Tally().failed().at("INVALID_NUMBER"), 1);
}

}  // namespace
}  // namespace pharos::dispatch
