// For tests: the desk on a real store in memory, with a clock that stands still and a customer who answers
// when the test says so.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pharos/record/v1/change.pb.h"
#include "pharos/type/v1/event.pb.h"
#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "services/dispatch/approval_fixture.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"
#include "storage/open.h"

namespace pharos::dispatch {

using customer::internal::v1::IssuePermitsRequest;
using customer::internal::v1::IssuePermitsResponse;

inline constexpr char kCampaign[] = "campaigns/quit";

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
  bool ReportEndpoints(customer::internal::v1::ReportEndpointsRequest request,
                       std::function<void(absl::Status)> done) override {
    reports.push_back({std::move(request), std::move(done)});
    if (on_report) on_report();
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
  struct Report {
    customer::internal::v1::ReportEndpointsRequest request;
    std::function<void(absl::Status)> done;
  };
  std::vector<Question> asked;
  std::vector<Report> reports;
  std::function<void()> on_report;  // called while the report is made
  std::vector<Reply> replies;
  std::vector<std::string> released;
};

class DeskTest : public testing::Test {
 protected:
  DeskTest() {
    access_->Set(approver_.Snapshot(1));
    content_.set_sms_body("Hello ((first name))");
    manifest_.set_revision(1);
    manifest_.set_author("principals/ada");
    manifest_.set_pin("pins/quit");
    manifest_.set_purpose("purposes/quit");
    manifest_.set_purpose_version(1);
    manifest_.set_purpose_class(type::v1::PURPOSE_CLASS_MARKETING);
    auto* sms = manifest_.add_routes();
    sms->set_channel(type::v1::CHANNEL_SMS);
    sms->set_sender("60777");
    Restart();
  }

  // A new life of dispatch on the same store.
  void Restart() {
    loop_ = std::make_unique<TurnLoop>(*store_, clock_);
    customer_ = std::make_unique<PatientCustomer>();
    desk_ = std::make_unique<Desk>(*store_, *loop_, *customer_, clock_, key_, *access_, settings_);
    turns_.clear();
    Turned([this](Turn& turn) { desk_->Recover(turn); });
  }

  // As from another pharos.toml: a new life with these settings.
  void UseSettings(DispatchSettings settings) {
    settings_ = std::move(settings);
    Restart();
  }

  // One turn as the loop runs it; effects that post inputs get a turn of their own after.
  void Turned(const TurnLoop::Input& input) {
    loop_->OneTurnForTest(
        input, [this](Turn& turn) { desk_->Tick(turn); }, [this](Turn& turn) { desk_->Flush(turn); });
  }
  void Ticks() {
    for (int i = 0; i < 4; ++i) Turned([](Turn&) {});
  }

  // The step of `campaign_` with `manifest_` and `content_`, approved for these members.
  internal::v1::DeclareStepRequest StepFor(const Members& members) {
    manifest_.set_campaign(campaign_);
    Describe(manifest_, "1", members, content_);
    internal::v1::DeclareStepRequest step;
    step.set_campaign(campaign_);
    step.set_step("1");
    *step.mutable_content() = content_;
    *step.mutable_approval() = approver_.Sign(manifest_);
    return step;
  }
  absl::Status Declare(const internal::v1::DeclareStepRequest& step) {
    absl::Status status;
    Turned([&](Turn& turn) { status = desk_->DeclareStep(turn, step); });
    return status;
  }
  absl::Status PlanPage(const Members& members, int page = 0) {
    internal::v1::PlanIntentsRequest plan;
    plan.set_campaign(campaign_);
    plan.set_step("1");
    plan.set_page(page);
    for (const auto& member : members) *plan.add_members() = member;
    absl::Status status;
    Turned([&](Turn& turn) { status = desk_->PlanIntents(turn, plan, planned_); });
    return status;
  }
  void Plan(const Members& members) {
    ASSERT_EQ(Declare(StepFor(members)), absl::OkStatus());
    ASSERT_EQ(PlanPage(members), absl::OkStatus());
  }
  void Plan(int members) { Plan(SmsMembers(members)); }

  static internal::v1::PlannedMember Member(int i, type::v1::Channel channel, const std::string& endpoint) {
    internal::v1::PlannedMember member;
    member.set_person("people/p" + std::to_string(i));
    member.set_channel(channel);
    member.set_endpoint(endpoint);
    return member;
  }
  static Members SmsMembers(int count) {
    Members members;
    for (int i = 0; i < count; ++i) members.push_back(Member(i, type::v1::CHANNEL_SMS, Endpoint(i)));
    return members;
  }
  static Members EmailMembers(int count) {
    Members members;
    for (int i = 0; i < count; ++i) members.push_back(Member(i, type::v1::CHANNEL_EMAIL, Mailbox(i)));
    return members;
  }
  // By SMS, and by email if that fails.
  static Members EitherMembers(int count) {
    Members members = SmsMembers(count);
    for (int i = 0; i < count; ++i) {
      auto* other = members[i].add_alternatives();
      other->set_channel(type::v1::CHANNEL_EMAIL);
      other->set_endpoint(Mailbox(i));
    }
    return members;
  }
  void WriteEmailToo() {
    content_.set_email_subject("For ((first name))");
    content_.set_email_body("Dear ((first name)),\n\nstop **today**.");
    auto* email = manifest_.add_routes();
    email->set_channel(type::v1::CHANNEL_EMAIL);
    email->set_sender("quit@trust.example");
    email->set_sender_name("Quit Team");
  }
  static std::string Endpoint(int i) { return std::string(15, 'e') + static_cast<char>(i); }
  static std::string Mailbox(int i) { return std::string(15, 'm') + static_cast<char>(i); }

  internal::v1::SteerCampaignResponse Steer(internal::v1::Steering steering) {
    internal::v1::SteerCampaignRequest request;
    request.set_campaign(campaign_);
    request.set_steering(steering);
    internal::v1::SteerCampaignResponse response;
    Turned([&](Turn& turn) { EXPECT_TRUE(desk_->Steer(turn, request, response).ok()); });
    return response;
  }

  SessionPtr Connect(const std::string& life = std::string(16, 'L'),
                     type::v1::Channel channel = type::v1::CHANNEL_SMS, bool sandbox = true) {
    auto session = std::make_shared<Session>();
    session->hello.set_connector(channel == type::v1::CHANNEL_SMS ? "smpp" : "smtp");
    session->hello.set_life(life);
    session->hello.set_channel(channel);
    session->hello.set_sandbox(sandbox);
    Turned([&](Turn& turn) { desk_->Arrive(turn, session); });
    return session;
  }
  SessionPtr ConnectEmail() { return Connect(std::string(16, 'E'), type::v1::CHANNEL_EMAIL); }
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
        const std::string number = std::to_string(100 + request.endpoint().back());
        const bool sms = request.channel() == type::v1::CHANNEL_SMS;
        granted->set_address(sms ? "447700900" + number : "p" + number + "@example.org");
        (*granted->mutable_fields())["given_name"] = "Ada";
      }
      Answer(question, response);
    }
  }
  void Answer(PatientCustomer::Question& question, absl::StatusOr<IssuePermitsResponse> response) {
    // The loop is not running: take its queue by hand.
    question.done(std::move(response));
    TakeAnswers();
  }
  void TakeAnswers() {
    for (auto& input : loop_->TakeInputsForTest()) Turned(input);
  }
  void Hear(const SessionPtr& session, const internal::v1::InboundMessages& inbound) {
    Turned([&](Turn& turn) { desk_->OnInbound(turn, session, inbound); });
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
  static internal::v1::Outcome Rejected(const std::string& id, const std::string& reason) {
    internal::v1::Outcome outcome;
    outcome.set_id(id);
    outcome.mutable_rejected()->set_reason(reason);
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

  record::v1::TallyRow Tally(const std::string& campaign = kCampaign) {
    record::v1::TallyRow tally;
    EXPECT_TRUE(storage::GetRecord(*store_, TallyKey(campaign), tally).ok());
    EXPECT_EQ(SumOf(tally), tally.intents());
    return tally;
  }
  // What the feed tells of people, "people/… KIND", oldest first.
  std::vector<std::string> Responses() {
    std::vector<std::string> told;
    const auto changes = store_->ReadChanges(0, 10'000);
    EXPECT_TRUE(changes.ok());
    for (const auto& change : *changes) {
      record::v1::ChangeEntry entry;
      type::v1::EventBatch batch;
      EXPECT_TRUE(entry.ParseFromString(change.entry));
      if (entry.kind() != "intents.changed") continue;
      EXPECT_TRUE(batch.ParseFromString(entry.facts()));
      for (const auto& response : batch.responses())
        told.push_back(response.person() + " " + response.kind());
    }
    return told;
  }
  record::v1::IntentRow Intent(int i = 0) {
    record::v1::IntentKey key;
    key.set_campaign(campaign_);
    key.set_step("1");
    key.set_person("people/p" + std::to_string(i));
    record::v1::IntentRow row;
    EXPECT_TRUE(*storage::GetRecord(*store_, IntentKeyOf(key), row));
    return row;
  }
  std::vector<record::v1::ReplyRow> Replies() {
    std::vector<record::v1::ReplyRow> rows;
    EXPECT_TRUE(store_->Read()
                    ->Scan(storage::PrefixRange(storage::KeyWriter(kReply).str()),
                           [&](std::string_view, std::string_view value) {
                             rows.emplace_back();
                             return storage::DecodeRecord(value, rows.back()).ok();
                           })
                    .ok());
    return rows;
  }

  DispatchSettings settings_;
  std::string campaign_ = kCampaign;
  type::v1::CampaignManifest manifest_;
  internal::v1::StepContent content_;
  TestApprover approver_;
  std::unique_ptr<policy::SnapshotHolder> access_ = std::make_unique<policy::SnapshotHolder>();
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

}  // namespace pharos::dispatch
