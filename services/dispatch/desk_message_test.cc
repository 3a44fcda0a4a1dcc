// What the desk does with single messages.
#include "services/base/errors.h"
#include "services/dispatch/desk_fixture.h"
#include "services/dispatch/inbox_reply.h"
#include "services/dispatch/message.h"
#include "services/dispatch/message_vault.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kDay = int64_t{86'400} * 1'000'000;

class TestCall : public rpc::Call {
 public:
  TestCall() {
    caller_.principal = "principals/booking";
    method_ = "/pharos.dispatch.v1.MessageService/SendMessage";
  }
  int64_t RemainingMicros() const override { return 1'000'000; }
  bool cancelled() const override { return false; }
};

class DeskMessageTest : public DeskTest {
 protected:
  DeskMessageTest() {
    desk_->UseVault(&vault_);
    content_.set_sms_body("See you on ((date))");
    manifest_.set_purpose_class(type::v1::PURPOSE_CLASS_SERVICE);
    manifest_.set_kind(type::v1::STANDING);
    manifest_.set_source("sources/booking");
  }

  void Launch() {
    ASSERT_EQ(Declare(StepFor({})), absl::OkStatus());
    Steer(internal::v1::GO);
  }
  // A message to person i; what the desk answers.
  absl::Status Send(int i, const std::string& request_id = "", const std::string& date = "Monday") {
    NewMessage message;
    message.id = NewMessageId(clock_.WallMicros());
    record::v1::MessageContentRow content;
    (*content.mutable_personalisation())["date"] = date;
    auto& key = *message.intent.mutable_key();
    key.set_campaign(campaign_);
    key.set_step(MessageStep("1", message.id));
    key.set_person("people/p" + std::to_string(i));
    message.intent.set_channel(type::v1::CHANNEL_SMS);
    message.intent.set_endpoint(Endpoint(i));
    *message.row.mutable_key() = key;
    message.row.set_principal(call_.caller().principal);
    message.row.set_reference(std::string(16, 'r'));
    message.row.set_content(vault_.Seal(content, message.id, clock_.WallMicros())->envelope);
    vault_.Keep(message.id, content);
    message.change =
        rpc::ChangeBy(call_, MessageName(message.id), "message.accepted", 1, clock_.WallMicros());
    message.remembered.set_name(MessageName(message.id));
    v1::SendMessageRequest request;
    request.set_request_id(request_id);
    request.set_address(date);
    const rpc::FirstAnswer first(call_, request, clock_.WallMicros());
    message.first = &first;
    absl::Status status;
    Turned([&](Turn& turn) { status = desk_->AcceptMessage(turn, message); });
    sent_ = std::move(message);
    return status;
  }
  record::v1::IntentRow IntentOfSent() {
    record::v1::IntentRow row;
    EXPECT_TRUE(*storage::GetRecord(*store_, IntentKeyOf(sent_.intent.key()), row));
    return row;
  }
  bool IsKept() {
    record::v1::MessageRow row;
    return *storage::GetRecord(*store_, MessageKey(sent_.id), row);
  }

  MessageVault vault_{false};
  TestCall call_;
  NewMessage sent_;
};

TEST_F(DeskMessageTest, GoesOutWithItsOwnValuesAndIsAskedForWhoeverHasTheAddress) {
  Launch();
  ASSERT_EQ(Send(0), absl::OkStatus());
  EXPECT_EQ(Tally().intents(), 1);
  EXPECT_EQ(Tally().declared(), 1);
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  ASSERT_EQ(customer_->asked.size(), 1u);
  EXPECT_TRUE(customer_->asked[0].request.requests(0).whoever());
  EXPECT_TRUE(customer_->asked[0].request.fields().empty());
  Grant();
  const auto attempts = Attempts(session);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].text(), "See you on Monday");
  Report(session, Accepted(attempts[0].id(), "m1"));
  EXPECT_EQ(StateOf(IntentOfSent()), State::kSent);
  EXPECT_EQ(Tally().sent(), 1);
}

TEST_F(DeskMessageTest, TwoToTheSamePersonAreTwoMessages) {
  Launch();
  ASSERT_EQ(Send(0), absl::OkStatus());
  ASSERT_EQ(Send(0, "", "Tuesday"), absl::OkStatus());
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  Grant();
  EXPECT_EQ(Attempts(session).size(), 2u);
}

TEST_F(DeskMessageTest, TheSameRequestIsOneMessage) {
  Launch();
  ASSERT_EQ(Send(0, "r1"), absl::OkStatus());
  const std::string first = sent_.remembered.name();
  ASSERT_EQ(Send(0, "r1"), absl::OkStatus());
  EXPECT_TRUE(sent_.repeated);
  EXPECT_EQ(sent_.remembered.name(), first);
  EXPECT_EQ(Tally().intents(), 1);
  EXPECT_EQ(base::ReasonOf(Send(0, "r1", "Tuesday")), "REQUEST_ID_REUSED");
}

TEST_F(DeskMessageTest, IsRefusedBeforeLaunchAfterAStopAndOfAnotherKind) {
  EXPECT_EQ(base::ReasonOf(Send(0)), "CAMPAIGN_NOT_STANDING");
  Launch();
  Steer(internal::v1::HALT);
  EXPECT_EQ(base::ReasonOf(Send(0)), "CAMPAIGN_HALTED");
  EXPECT_EQ(Tally().intents(), 0);
  campaign_ = "campaigns/bulk";
  content_.set_sms_body("Hello ((first name))");
  manifest_.set_kind(type::v1::BULK);
  Plan(1);
  EXPECT_EQ(base::ReasonOf(Send(0)), "CAMPAIGN_NOT_STANDING");
}

TEST_F(DeskMessageTest, WaitsWhileItsCampaignIsHeldAndIsWithheldByItsStop) {
  Launch();
  Steer(internal::v1::HOLD);
  ASSERT_EQ(Send(0), absl::OkStatus());
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  EXPECT_TRUE(customer_->asked.empty());
  Steer(internal::v1::HALT);
  Ticks();
  EXPECT_EQ(Tally().withheld().at("STOPPED"), 1);
}

TEST_F(DeskMessageTest, IsWithheldWithTheGatesReason) {
  Launch();
  ASSERT_EQ(Send(0), absl::OkStatus());
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  auto question = customer_->asked.at(0);
  IssuePermitsResponse response;
  response.add_answers()->set_denied(type::v1::OPTED_OUT);
  Answer(question, response);
  EXPECT_EQ(StateOf(IntentOfSent()), State::kWithheld);
  EXPECT_EQ(IntentOfSent().reason(), "OPTED_OUT");
}

TEST_F(DeskMessageTest, ItsContentIsFetchedAgainAfterARestart) {
  Launch();
  ASSERT_EQ(Send(0), absl::OkStatus());
  MessageVault fresh{false};
  fresh.Start(nullptr, nullptr);
  Restart();
  desk_->UseVault(&fresh);
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  EXPECT_TRUE(customer_->asked.empty());  // it waits for its content
  for (int i = 0; i < 1'000 && fresh.Find(sent_.id) == nullptr; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  clock_.Advance(400'000);
  Pull(session, 2);
  Ticks();
  Grant();
  const auto attempts = Attempts(session);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].text(), "See you on Monday");
  fresh.Stop();
}

TEST_F(DeskMessageTest, IsRemovedSomeDaysAfterItsEndAndNotBefore) {
  Launch();
  ASSERT_EQ(Send(0), absl::OkStatus());
  clock_.Advance(8 * kDay);
  Ticks();
  EXPECT_TRUE(IsKept());  // it has not left yet
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  Grant();
  Report(session, Accepted(Attempts(session).at(0).id(), "m1"));
  clock_.Advance(6 * kDay);
  Ticks();
  EXPECT_TRUE(IsKept());
  clock_.Advance(2 * kDay);
  Ticks();
  EXPECT_FALSE(IsKept());
  EXPECT_EQ(Tally().sent(), 1);  // the fact stays
  size_t left = 0;
  for (const uint8_t table : {kMessageOrder, kMessageReference, kMessageDue}) {
    EXPECT_TRUE(store_->Read()
                    ->Scan(storage::PrefixRange(storage::KeyWriter(table).str()),
                           [&](std::string_view, std::string_view) { return ++left > 0; })
                    .ok());
  }
  EXPECT_EQ(left, 0u);
}

// Who may read what people answer: the service that sent it, or, where nothing is answered, those that send
// by that number.
TEST_F(DeskMessageTest, ATextBelongsToTheServiceThatItAnswers) {
  Launch();
  ASSERT_EQ(Send(0), absl::OkStatus());
  auto session = Connect();
  Pull(session, 1);
  Ticks();
  Grant();
  Report(session, Accepted(Attempts(session).at(0).id(), "m1"));
  const auto readers = [&](const std::string& id, int endpoint, const std::string& to) {
    auto inbound = Says("Could I come on Friday?");
    inbound.mutable_messages(0)->set_id(id);
    inbound.mutable_messages(0)->set_to(to);
    Hear(session, inbound);
    customer::internal::v1::RecordReplyResponse whose;
    whose.set_endpoint(Endpoint(endpoint));
    customer_->replies.back().stages.durable(whose);
    TakeAnswers();
    std::vector<std::string> found;
    record::v1::ChangeEntry entry;
    type::v1::ReplyEvent event;
    const auto changes = store_->ReadChanges(0, 10'000);
    EXPECT_TRUE(changes.ok());
    for (const auto& change : *changes) {
      EXPECT_TRUE(entry.ParseFromString(change.entry));
      if (entry.kind() != kReplyReceived) continue;
      EXPECT_TRUE(event.ParseFromString(entry.facts()));
      found.clear();
      for (const auto& reader : event.readers())
        found.push_back(reader.campaign() + " " + reader.principal());
    }
    return found;
  };
  const std::string booking = campaign_ + " principals/booking";
  EXPECT_THAT(readers("mo1", 0, "60777"), testing::ElementsAre(booking));
  EXPECT_THAT(readers("mo2", 5, "60777"), testing::ElementsAre(booking))
      << "never written to, but its number";
  EXPECT_THAT(readers("mo3", 5, "60999"), testing::IsEmpty()) << "nobody's number";
  Restart();
  desk_->UseVault(&vault_);
  session = Connect();
  EXPECT_THAT(readers("mo4", 5, "60777"), testing::ElementsAre(booking)) << "known after a restart, too";
}

}  // namespace
}  // namespace pharos::dispatch
