// What the desk does with plans, permits, outcomes, receipts and replies by SMS.
#include "services/dispatch/desk_fixture.h"

namespace pharos::dispatch {
namespace {

using customer::internal::v1::IssuePermitsResponse;
using customer::internal::v1::RecordReplyResponse;

TEST_F(DeskTest, SendsAMessageAndReleasesItsPermit) {
  auto session = Asked(1);
  Grant();
  auto attempts = Attempts(session);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].text(), "Hello Ada");
  EXPECT_EQ(Tally().in_flight(), 1);
  Report(session, Accepted(attempts[0].id(), "m1"));
  Ticks();
  EXPECT_EQ(Tally().sent(), 1);
  EXPECT_THAT(customer_->released, testing::ElementsAre(attempts[0].id()));
  Receive(session, Receipt("m1", internal::v1::DELIVERED));
  EXPECT_EQ(Tally().delivered(), 1);
}

TEST_F(DeskTest, PlanningTwiceWritesOnce) {
  Plan(3);
  EXPECT_EQ(planned_.written(), 3);
  Plan(3);
  EXPECT_EQ(planned_.written(), 0);
  EXPECT_EQ(planned_.existing(), 3);
  EXPECT_EQ(Tally().intents(), 3);
}

TEST_F(DeskTest, SendsNothingBeforeACampaignMayGo) {
  Plan(2);
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  EXPECT_TRUE(customer_->asked.empty());
}

TEST_F(DeskTest, WithholdsWhatTheGateDenies) {
  auto session = Asked(1);
  ASSERT_EQ(customer_->asked.size(), 1u);
  auto question = customer_->asked[0];
  IssuePermitsResponse response;
  auto* answer = response.add_answers();
  answer->set_id(question.request.requests(0).id());
  answer->set_denied(type::v1::OPTED_OUT);
  Answer(question, response);
  EXPECT_EQ(Tally().withheld().at("OPTED_OUT"), 1);
  EXPECT_TRUE(Attempts(session).empty());
}

TEST_F(DeskTest, AGrantThatComesAfterUseByIsWorthNothing) {
  auto session = Asked(1);
  clock_.Advance(kUseByMicros);
  Grant();
  EXPECT_TRUE(Attempts(session).empty());
  EXPECT_EQ(Tally().pending(), 1);
  Ticks();
  EXPECT_EQ(customer_->released.size(), 1u);
}

TEST_F(DeskTest, TakesBackWhatNoLivePullCanTake) {
  auto session = Asked(1);
  clock_.Advance(kPullLifeMicros);  // the pull is dead, the permit is not
  Grant();
  EXPECT_TRUE(Attempts(session).empty());
  Ticks();
  EXPECT_EQ(Tally().pending(), 1);
  Pull(session, 2);
  Ticks();
  Grant();
  EXPECT_EQ(Attempts(session).size(), 1u);
}

TEST_F(DeskTest, TheLeaseIsCountedFromThePullsArrival) {
  auto session = Asked(1);
  clock_.Advance(300'000);
  Grant();
  auto attempts = Attempts(session);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].lease_us(), kUseByMicros);  // permit asked for when the pull arrived
}

TEST_F(DeskTest, ARestartPutsWhatWasInFlightInDoubtAndNeverQueuesIt) {
  auto session = Asked(1);
  Grant();
  ASSERT_EQ(Attempts(session).size(), 1u);
  Restart();
  EXPECT_EQ(Tally().unconfirmed(), 1);
  auto other = Connect(std::string(16, 'M'));
  Pull(other, 1);
  Ticks();
  EXPECT_TRUE(customer_->asked.empty());
}

TEST_F(DeskTest, TheSameConnectorLifeSettlesDoubtExactly) {
  auto session = Asked(2);
  Grant();
  auto attempts = Attempts(session);
  ASSERT_EQ(attempts.size(), 2u);
  Restart();
  auto back = Connect();
  Attempts(back);
  EXPECT_EQ(queried_.size(), 2u);
  Report(back, Accepted(attempts[0].id(), "m1"));
  Report(back, Refused(attempts[1].id()));
  EXPECT_EQ(Tally().sent(), 1);
  EXPECT_EQ(Tally().pending(), 1);
}

TEST_F(DeskTest, AnotherLifesRefusalProvesNothing) {
  auto session = Asked(1);
  Grant();
  auto attempts = Attempts(session);
  Restart();
  auto other = Connect(std::string(16, 'M'));
  Report(other, Refused(attempts.at(0).id()));
  EXPECT_EQ(Tally().unconfirmed(), 1);
}

TEST_F(DeskTest, ALostStreamIsDoubtOnlyAfterTheHardStop) {
  auto session = Asked(1);
  Grant();
  Turned([&](Turn& turn) { desk_->Leave(turn, session); });
  clock_.Advance(kUseByMicros + kHardStopMicros);
  Ticks();
  EXPECT_EQ(Tally().in_flight(), 1);
  clock_.Advance(1'000'000);
  Ticks();
  EXPECT_EQ(Tally().unconfirmed(), 1);
}

TEST_F(DeskTest, AReceiptSettlesDoubtByReferenceAndNumber) {
  auto [session, attempt] = InFlight();
  Restart();
  auto other = Connect(std::string(16, 'M'));
  auto receipt = Receipt("m9", internal::v1::DELIVERED);
  receipt.set_address(attempt.address());
  receipt.set_reference((static_cast<uint8_t>(attempt.id()[14]) << 8) |
                        static_cast<uint8_t>(attempt.id()[15]));
  Receive(other, receipt);
  EXPECT_EQ(Tally().delivered(), 1);
}

TEST_F(DeskTest, AReceiptBeforeItsAnswerIsKept) {
  auto [session, attempt] = InFlight();
  Receive(session, Receipt("m1", internal::v1::DELIVERED));
  EXPECT_EQ(Tally().in_flight(), 1);
  Report(session, Accepted(attempt.id(), "m1"));
  EXPECT_EQ(Tally().delivered(), 1);
}

TEST_F(DeskTest, TwoMembersWhoTurnOutToBeOnePersonGetOneMessage) {
  auto session = Asked(2);
  Grant({{"people/p1", {"people/p0", "people/p1"}}});
  EXPECT_EQ(Attempts(session).size(), 1u);
  EXPECT_EQ(Tally().withheld().at("DUPLICATE_PERSON"), 1);
}

TEST_F(DeskTest, ThrottledMessagesWaitAndGoLater) {
  auto session = Asked(1);
  Grant();
  internal::v1::Outcome outcome;
  outcome.set_id(Attempts(session).at(0).id());
  outcome.mutable_rejected()->set_reason("THROTTLED");
  outcome.mutable_rejected()->set_transient(true);
  outcome.mutable_rejected()->set_retry_after_ms(1000);
  Report(session, outcome);
  EXPECT_EQ(Tally().pending(), 1);
  Pull(session, 2);
  Ticks();
  EXPECT_TRUE(customer_->asked.empty());
  clock_.Advance(3'000'000);
  Pull(session, 3);
  Ticks();
  EXPECT_EQ(customer_->asked.size(), 1u);
}

TEST_F(DeskTest, AStoppedCampaignWithholdsWhatIsPending) {
  Plan(5);
  Steer(internal::v1::GO);
  const auto counts = Steer(internal::v1::HALT);
  EXPECT_EQ(counts.not_sent(), 5);
  Ticks();
  EXPECT_EQ(Tally().withheld().at("STOPPED"), 5);
  EXPECT_EQ(Tally().pending(), 0);
}

TEST_F(DeskTest, AReplyStopIsAnsweredOnlyOnceItIsDurableAndConfirmedOnce) {
  auto [session, attempt] = InFlight();
  Report(session, Accepted(attempt.id(), "m1"));
  const auto inbound = Says("Stop");
  Turned([&](Turn& turn) { desk_->OnInbound(turn, session, inbound); });
  ASSERT_EQ(customer_->replies.size(), 1u);
  Attempts(session);
  EXPECT_TRUE(acknowledged_inbound_.empty());

  RecordReplyResponse response;
  response.set_opt_out("optOuts/o1");
  response.set_endpoint(Endpoint(0));
  response.set_changed(true);
  customer_->replies[0].stages.durable(response);
  for (auto& input : loop_->TakeInputsForTest()) Turned(input);
  Attempts(session);
  EXPECT_THAT(acknowledged_inbound_, testing::ElementsAre(7));
  EXPECT_EQ(Tally().opted_out(), 1);
  EXPECT_THAT(Responses(), testing::ElementsAre(Intent().key().person() + " REPLIED",
                                                Intent().key().person() + " OPTED_OUT"));

  customer_->replies[0].stages.acknowledged(response);
  for (auto& input : loop_->TakeInputsForTest()) Turned(input);
  Turned([&](Turn& turn) { desk_->OnInbound(turn, session, inbound); });  // the provider repeats it
  Pull(session, 2);
  Ticks();
  ASSERT_EQ(customer_->asked.size(), 1u);
  ASSERT_EQ(customer_->asked[0].request.requests_size(), 1);
  EXPECT_EQ(customer_->asked[0].request.requests(0).confirmation_of(), "optOuts/o1");
  Grant();
  auto attempts = Attempts(session);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].text(), kConfirmationText);
  EXPECT_EQ(attempts[0].sender(), "60777");
}

TEST_F(DeskTest, ARestartAsksAgainForAnAcknowledgementThatDidNotCome) {
  auto [session, attempt] = InFlight();
  Report(session, Accepted(attempt.id(), "m1"));
  const auto inbound = Says("Stop");
  Turned([&](Turn& turn) { desk_->OnInbound(turn, session, inbound); });
  RecordReplyResponse response;
  response.set_opt_out("optOuts/o1");
  response.set_endpoint(Endpoint(0));
  response.set_changed(true);
  customer_->replies.at(0).stages.durable(response);
  for (auto& input : loop_->TakeInputsForTest()) Turned(input);

  Restart();
  Ticks();
  ASSERT_EQ(customer_->replies.size(), 1u);
  EXPECT_EQ(customer_->replies[0].request.kind(), customer::internal::v1::STOP);
  EXPECT_EQ(customer_->replies[0].request.channel(), type::v1::CHANNEL_SMS);
  EXPECT_EQ(customer_->replies[0].request.address(), "");
}

TEST_F(DeskTest, NoOrderOfReceiptsStopsDispatch) {
  auto [session, attempt] = InFlight();
  internal::v1::Outcome outcome = Accepted(attempt.id(), "a");
  outcome.mutable_accepted()->add_provider_ids("b");
  Report(session, outcome);
  Receive(session, Receipt("a", internal::v1::EXPIRED));
  EXPECT_EQ(Tally().failed().at("EXPIRED"), 1);
  Receive(session, Receipt("a", internal::v1::DELIVERED));  // and nothing yet of "b"
  EXPECT_EQ(Tally().sent(), 1);                             // as if "a" had never been said to have expired
  Receive(session, Receipt("b", internal::v1::DELIVERED));
  EXPECT_EQ(Tally().delivered(), 1);
}

TEST_F(DeskTest, AMessageWhoseAnswerWasLostIsNotAskedForAgainAndNoRefusalIsBelieved) {
  auto [session, attempt] = InFlight();
  internal::v1::Outcome lost;
  lost.set_id(attempt.id());
  lost.mutable_no_answer()->set_reason("LINK_LOST");
  Report(session, lost);
  EXPECT_EQ(Tally().unconfirmed(), 1);
  Restart();
  auto back = Connect();
  Attempts(back);
  EXPECT_TRUE(queried_.empty());
  Report(back, Refused(attempt.id()));
  EXPECT_EQ(Tally().unconfirmed(), 1);
}

TEST_F(DeskTest, AnOlderStreamOfTheSameLifeIsDead) {
  auto old = Asked(1);
  auto fresh = Connect();
  clock_.Advance(1'000);
  Grant();  // for the old stream
  Ticks();
  EXPECT_TRUE(Attempts(old).empty());
  EXPECT_EQ(Tally().pending(), 1);
  Pull(fresh, 9);
  Ticks();
  Grant();
  EXPECT_EQ(Attempts(fresh).size(), 1u);
}

TEST_F(DeskTest, ADefiniteRefusalDoesNotTakeTheMessageFromAnother) {
  Plan(2);
  Steer(internal::v1::GO);
  auto session = Connect();
  Pull(session, 1, 1);
  Ticks();
  Grant();
  internal::v1::Outcome refused;
  refused.set_id(Attempts(session).at(0).id());
  refused.mutable_rejected()->set_reason("INVALID_NUMBER");
  Report(session, refused);
  Pull(session, 2, 1);
  Ticks();
  Grant({{"people/p1", {"people/p0", "people/p1"}}});  // the same person, it turns out
  EXPECT_EQ(Attempts(session).size(), 1u);
  EXPECT_EQ(Tally().failed().at("INVALID_NUMBER"), 1);
  EXPECT_EQ(Tally().in_flight(), 1);
}

TEST_F(DeskTest, TheSameWordsAfterAStartAreASecondStop) {
  auto [session, attempt] = InFlight();
  Report(session, Accepted(attempt.id(), "m1"));
  auto inbound = Says("Stop");
  Turned([&, session = session](Turn& turn) { desk_->OnInbound(turn, session, inbound); });
  RecordReplyResponse response;
  response.set_opt_out("optOuts/o1");
  response.set_endpoint(Endpoint(0));
  customer_->replies.at(0).stages.durable(response);
  customer_->replies.at(0).stages.acknowledged(response);
  for (auto& input : loop_->TakeInputsForTest()) Turned(input);
  inbound.mutable_messages(0)->set_received_time_us(5);
  Turned([&, session = session](Turn& turn) { desk_->OnInbound(turn, session, inbound); });
  ASSERT_EQ(customer_->replies.size(), 2u);
  EXPECT_EQ(customer_->replies[1].request.address(), "447700900100");
}

}  // namespace
}  // namespace pharos::dispatch
