// The desk on a real store in memory, with a clock that stands still and a customer who answers when the test
// says so.
#include "services/dispatch/desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "services/dispatch/tables.h"
#include "storage/open.h"

namespace pharos::dispatch {
namespace {

using customer::internal::v1::IssuePermitsRequest;
using customer::internal::v1::IssuePermitsResponse;
using customer::internal::v1::RecordReplyResponse;

constexpr char kCampaign[] = "campaigns/quit";

// Customer, answering by hand: the questions pile up until the test answers them.
class PatientCustomer : public CustomerClient {
 public:
  bool IssuePermits(IssuePermitsRequest request, PermitsDone done) override {
    asked.push_back({std::move(request), std::move(done)});
    return true;
  }
  void ReleasePermits(std::vector<std::string> ids) override {
    released.insert(released.end(), ids.begin(), ids.end());
  }
  bool RecordReply(customer::internal::v1::RecordReplyRequest request, ReplyStages stages) override {
    replies.push_back({std::move(request), std::move(stages)});
    return true;
  }
  void Stop() override {}

  struct Question {
    IssuePermitsRequest request;
    PermitsDone done;
  };
  struct Reply {
    customer::internal::v1::RecordReplyRequest request;
    ReplyStages stages;
  };
  std::vector<Question> asked;
  std::vector<Reply> replies;
  std::vector<std::string> released;
};

class DeskTest : public testing::Test {
 protected:
  DeskTest() { Restart(); }

  // A new life of dispatch on the same store.
  void Restart() {
    loop_ = std::make_unique<TurnLoop>(*store_, clock_);
    customer_ = std::make_unique<PatientCustomer>();
    desk_ = std::make_unique<Desk>(*store_, *loop_, *customer_, clock_, key_);
    turns_.clear();
    Turned([this](Turn& turn) { desk_->Recover(turn); });
  }

  // One turn as the loop runs it; effects that post inputs get a turn of their own after.
  void Turned(const TurnLoop::Input& input) {
    loop_->OneTurnForTest(
        input, [this](Turn& turn) { desk_->Tick(turn); }, [this](Turn& turn) { desk_->Flush(turn); });
  }
  void Ticks() {
    for (int i = 0; i < 4; ++i) Turned([](Turn&) {});
  }

  void Plan(int members) {
    internal::v1::DeclareStepRequest step;
    step.set_campaign(kCampaign);
    step.set_step("1");
    step.set_purpose("purposes/quit");
    step.set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
    step.set_sms_body("Hello ((first name))");
    step.set_content_digest(base::Sha256(step.sms_body()));
    step.set_sms_sender("60777");
    step.set_members(members);
    Turned([&](Turn& turn) { ASSERT_TRUE(desk_->DeclareStep(turn, step).ok()); });
    internal::v1::PlanIntentsRequest plan;
    plan.set_campaign(kCampaign);
    plan.set_step("1");
    for (int i = 0; i < members; ++i) {
      auto* member = plan.add_members();
      member->set_person("people/p" + std::to_string(i));
      member->set_channel(type::v1::CHANNEL_SMS);
      member->set_endpoint(Endpoint(i));
    }
    Turned([&](Turn& turn) { ASSERT_TRUE(desk_->PlanIntents(turn, plan, planned_).ok()); });
  }
  static std::string Endpoint(int i) { return std::string(15, 'e') + static_cast<char>(i); }

  internal::v1::SteerCampaignResponse Steer(internal::v1::Steering steering) {
    internal::v1::SteerCampaignRequest request;
    request.set_campaign(kCampaign);
    request.set_steering(steering);
    internal::v1::SteerCampaignResponse response;
    Turned([&](Turn& turn) { EXPECT_TRUE(desk_->Steer(turn, request, response).ok()); });
    return response;
  }

  SessionPtr Connect(const std::string& life = std::string(16, 'L')) {
    auto session = std::make_shared<Session>();
    session->hello.set_connector("smpp");
    session->hello.set_life(life);
    session->hello.set_channel(type::v1::CHANNEL_SMS);
    session->hello.set_sandbox(true);
    Turned([&](Turn& turn) { desk_->Arrive(turn, session); });
    return session;
  }
  void Pull(const SessionPtr& session, uint64_t number, int credit = 64) {
    internal::v1::Pull pull;
    pull.set_number(number);
    pull.set_credit(credit);
    Turned([&](Turn& turn) { desk_->OnPull(turn, session, pull, clock_.BootMicros()); });
  }
  // Grants everything asked; `person` and `former` as customer would know them now.
  void Grant(std::map<std::string, std::pair<std::string, std::string>> linked = {}) {
    auto questions = std::exchange(customer_->asked, {});
    for (auto& question : questions) {
      IssuePermitsResponse response;
      for (const auto& request : question.request.requests()) {
        auto* answer = response.add_answers();
        answer->set_id(request.id());
        auto* granted = answer->mutable_granted();
        granted->set_person(request.person());
        if (auto at = linked.find(request.person()); at != linked.end()) {
          granted->set_person(at->second.first);
          granted->add_former_names(at->second.second);
        }
        granted->set_address("447700900" + std::to_string(100 + request.endpoint().back()));
        (*granted->mutable_fields())["given_name"] = "Ada";
      }
      Answer(question, response);
    }
  }
  void Answer(PatientCustomer::Question& question, absl::StatusOr<IssuePermitsResponse> response) {
    // The loop is not running: take its queue by hand.
    question.done(std::move(response));
    for (auto& input : loop_->TakeInputsForTest()) Turned(input);
  }

  std::vector<internal::v1::Attempt> Attempts(const SessionPtr& session) {
    std::vector<internal::v1::Attempt> attempts;
    for (auto& message : session->outbox.PopAll(1000, 0)) {
      for (auto& attempt : message.attempts().attempts()) attempts.push_back(attempt);
      for (auto& id : message.query().ids()) queried_.push_back(id);
      for (auto sequence : message.acknowledgement().inbound()) acknowledged_inbound_.push_back(sequence);
    }
    return attempts;
  }
  void Report(const SessionPtr& session, const internal::v1::Outcome& outcome) {
    internal::v1::Outcomes outcomes;
    *outcomes.add_outcomes() = outcome;
    Turned([&](Turn& turn) { desk_->OnOutcomes(turn, session, outcomes); });
  }
  static internal::v1::Outcome Accepted(const std::string& id, const std::string& provider_id) {
    internal::v1::Outcome outcome;
    outcome.set_id(id);
    outcome.mutable_accepted()->add_provider_ids(provider_id);
    return outcome;
  }
  static internal::v1::Outcome Refused(const std::string& id) {
    internal::v1::Outcome outcome;
    outcome.set_id(id);
    outcome.mutable_refused()->set_reason("PULL_NOT_LIVE");
    return outcome;
  }
  void Receive(const SessionPtr& session, const internal::v1::Receipt& receipt) {
    internal::v1::Receipts receipts;
    *receipts.add_receipts() = receipt;
    Turned([&](Turn& turn) { desk_->OnReceipts(turn, session, receipts); });
  }
  static internal::v1::Receipt Receipt(const std::string& provider_id, internal::v1::ReceiptState state) {
    internal::v1::Receipt receipt;
    receipt.set_provider_id(provider_id);
    receipt.set_state(state);
    receipt.set_reference(-1);
    return receipt;
  }

  // A campaign of so many people that may go, a connector that has pulled, and permits asked for.
  SessionPtr Asked(int members) {
    Plan(members);
    Steer(internal::v1::GO);
    auto session = Connect();
    Pull(session, 1);
    Ticks();
    return session;
  }
  // A campaign of one, in the connector's hands.
  std::pair<SessionPtr, internal::v1::Attempt> InFlight() {
    auto session = Asked(1);
    Grant();
    auto attempts = Attempts(session);
    EXPECT_EQ(attempts.size(), 1u);
    return {session, attempts.at(0)};
  }
  internal::v1::InboundMessages Says(const std::string& text) {
    internal::v1::InboundMessages inbound;
    auto* message = inbound.add_messages();
    message->set_sequence(7);
    message->set_id("mo1");
    message->set_from("447700900100");
    message->set_to("60777");
    message->set_text(text);
    return inbound;
  }

  record::v1::TallyRow Tally() {
    record::v1::TallyRow tally;
    EXPECT_TRUE(storage::GetRecord(*store_, TallyKey(kCampaign), tally).ok());
    EXPECT_EQ(SumOf(tally), tally.intents());
    return tally;
  }

  base::FakeClock clock_;
  storage::BlindIndex key_{std::string(32, 'k')};
  std::unique_ptr<storage::Store> store_ =
      *storage::Open({.folder = "/desk", .name = "dispatch", .in_memory = true});
  std::unique_ptr<TurnLoop> loop_;
  std::unique_ptr<PatientCustomer> customer_;
  std::unique_ptr<Desk> desk_;
  internal::v1::PlanIntentsResponse planned_;
  std::vector<std::string> turns_, queried_;
  std::vector<uint64_t> acknowledged_inbound_;
};

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
  EXPECT_EQ(Tally().failed().at("EXPIRED"), 1);
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
