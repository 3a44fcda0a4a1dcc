// Pulls and permits: from a connector's pull to a message in its hands.
//
// The order is the permit protocol's: ask customer (use-by runs from before the call) → SUBMITTING durable →
// use-by checked again → hand to the connector's live pull. What is too late is taken back by this same life,
// which knows that it never sent it.
#include <algorithm>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/content/sms_text.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kLeaseOverMicros = 5'000'000;
constexpr int64_t kAskBackoffMicros = 200'000;  // after customer was away

bool SameIntent(const record::v1::IntentKey& a, const record::v1::IntentKey& b) {
  return a.person() == b.person() && a.step() == b.step() && a.campaign() == b.campaign();
}

bool PullIsLive(const Session& session, int64_t boot_us) {
  return session.pull_live && boot_us - session.pull_arrived_us < kPullLifeMicros;
}

}  // namespace

void Desk::AskForPermits(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot < ask_not_before_us_) return;
  for (const SessionPtr& session : sessions_) {
    if (!session->asking && PullIsLive(*session, boot)) AskFor(turn, session);
  }
}

void Desk::AskFor(Turn& turn, const SessionPtr& session) {
  const size_t most = std::min<size_t>(kAskBatch, static_cast<size_t>(session->pull_credit));
  auto keys = ready_.Take(store_, session->hello.channel(), most, turn.now_us,
                          [this](const std::string& campaign) { return MayGo(campaign); });
  if (!keys.ok()) return turn.Fail(keys.status());
  Ask ask{session, clock_.BootMicros(), {}};
  customer::internal::v1::IssuePermitsRequest request;
  std::set<std::string> fields;
  for (const auto& key : *keys) {
    auto intent = intents_.Load(turn, key);
    const Step* step = intent ? StepOf(turn, key) : nullptr;
    if (step == nullptr || StateOf(*intent) != State::kPending) {
      ready_.Forget(key);
      continue;
    }
    if (Expired(*step, turn.now_us)) {
      intents_.Move(turn, *intent, State::kWithheld, "EXPIRED");
      ready_.Forget(key);
      continue;
    }
    auto* wanted = request.add_requests();
    wanted->set_id(MintId(key));
    wanted->set_person(key.person());
    wanted->set_endpoint(intent->endpoint());
    wanted->set_channel(intent->channel());
    wanted->set_purpose(step->manifest.purpose());
    if (key.campaign() == kConfirmations) wanted->set_confirmation_of(key.step());
    if (step->email && intent->channel() == type::v1::CHANNEL_EMAIL)
      fields.insert(step->email->fields().begin(), step->email->fields().end());
    if (step->text && intent->channel() == type::v1::CHANNEL_SMS)
      fields.insert(step->text->fields().begin(), step->text->fields().end());
    ask.items.push_back({wanted->id(), *std::move(intent)});
  }
  if (ask.items.empty()) return;
  for (const auto& field : fields) request.add_fields(field);
  session->asking = true;
  auto shared = std::make_shared<Ask>(std::move(ask));
  const bool asked = customer_.IssuePermits(
      std::move(request),
      [this, shared](absl::StatusOr<customer::internal::v1::IssuePermitsResponse> answer) {
        (void)loop_.Post(
            [this, shared, answer = std::move(answer)](Turn& turn) { OnPermits(turn, *shared, answer); });
      });
  if (!asked) OnPermits(turn, *shared, absl::UnavailableError("too many permit requests are waiting"));
}

// SHA-256 of (life, counter), cut: unique over all lives without keeping anything on disk.
std::string Desk::MintId(const record::v1::IntentKey& key) {
  const std::string seed =
      life_ + std::to_string(++minted_) + key.campaign() + '\n' + key.step() + '\n' + key.person();
  return base::Sha256(seed).substr(0, 16);
}

void Desk::OnPermits(Turn& turn, Ask& ask,
                     absl::StatusOr<customer::internal::v1::IssuePermitsResponse> answer) {
  ask.session->asking = false;
  if (!answer.ok() || answer->answers_size() != static_cast<int>(ask.items.size())) {
    for (const auto& item : ask.items)
      ready_.Return(item.intent.channel(), item.intent.lane(), item.intent.key());
    ask_not_before_us_ = clock_.BootMicros() + kAskBackoffMicros;
    return;
  }
  std::vector<Ready> batch;
  for (int i = 0; i < answer->answers_size(); ++i) {
    if (auto ready = Submit(turn, ask, ask.items[i], answer->answers(i))) batch.push_back(*std::move(ready));
  }
  if (batch.empty()) return;
  const int64_t use_by = ask.sent_us + kUseByMicros;
  turn.After([this, session = ask.session, batch = std::move(batch), use_by]() mutable {
    HandToConnector(session, std::move(batch), use_by);
  });
}

// One answer: withheld, failed, put back, or SUBMITTING.
std::optional<Desk::Ready> Desk::Submit(Turn& turn, Ask& ask, Asked& item,
                                        const customer::internal::v1::PermitAnswer& answer) {
  auto intent = intents_.Load(turn, item.intent.key());
  ready_.Forget(item.intent.key());
  if (!intent || StateOf(*intent) != State::kPending || !MayGo(intent->key().campaign())) {
    Release(turn, item.id);
    return std::nullopt;
  }
  if (!answer.has_granted()) {
    // The gate is not asked about a purpose that has been retired.
    const bool retired = answer.denied() == type::v1::GATE_REASON_UNSPECIFIED;
    intents_.Move(turn, *intent, State::kWithheld,
                  retired ? "PURPOSE_RETIRED" : type::v1::GateReason_Name(answer.denied()));
    return std::nullopt;
  }
  if (clock_.BootMicros() >= ask.sent_us + kUseByMicros) {
    Release(turn, item.id);
    ready_.Return(intent->channel(), intent->lane(), intent->key());
    return std::nullopt;
  }
  const Step* step = StepOf(turn, intent->key());
  if (step == nullptr || Expired(*step, turn.now_us)) {
    if (step != nullptr) intents_.Move(turn, *intent, State::kWithheld, "EXPIRED");
    Release(turn, item.id);
    return std::nullopt;
  }
  const customer::internal::v1::Grant& grant = answer.granted();
  if (std::string duplicate = DuplicateOf(turn, *intent, grant); !duplicate.empty()) {
    intents_.Move(turn, *intent, State::kWithheld, duplicate);
    Release(turn, item.id);
    return std::nullopt;
  }
  Ready ready{item.id, intent->key(), {}};
  if (const absl::Status composed = Compose(*step, grant, *intent, ready.attempt); !composed.ok()) {
    Fail(turn, *intent, base::ReasonOf(composed));
    Release(turn, item.id);
    return std::nullopt;
  }
  Begin(turn, ask, item.id, *intent, grant);
  ready.attempt.set_id(item.id);
  ready.attempt.set_hard_stop_us(kHardStopMicros);
  ready.attempt.set_address(grant.address());
  return ready;
}

absl::Status Desk::Compose(const Step& step, const customer::internal::v1::Grant& grant,
                           record::v1::IntentRow& intent, internal::v1::Attempt& attempt) const {
  const std::map<std::string, std::string> values(grant.fields().begin(), grant.fields().end());
  const bool is_email = intent.channel() == type::v1::CHANNEL_EMAIL;
  if (is_email ? !step.email : !step.text) return DispatchErrors::ChannelHasNoText();
  for (const auto& route : step.manifest.routes()) {
    if (route.channel() != intent.channel()) continue;
    attempt.set_sender(route.sender());
    if (is_email) attempt.mutable_email()->set_from_name(route.sender_name());
  }
  if (!intent.sender().empty()) attempt.set_sender(intent.sender());
  if (is_email) {
    PHAROS_ASSIGN_OR_RETURN(content::Email email, step.email->Render(values));
    attempt.mutable_email()->set_subject(std::move(email.subject));
    attempt.mutable_email()->set_html(std::move(email.html));
    attempt.mutable_email()->set_list_unsubscribe(step.manifest.purpose_class() !=
                                                  type::v1::PURPOSE_CLASS_URGENT);
    attempt.set_text(std::move(email.text));
    intent.set_expected_parts(1);
    return absl::OkStatus();
  }
  PHAROS_ASSIGN_OR_RETURN(std::string text, step.text->Render(values));
  PHAROS_ASSIGN_OR_RETURN(const content::SmsText encoded, content::EncodeSms(text));
  intent.set_expected_parts(static_cast<int>(encoded.parts.size()));
  attempt.set_text(std::move(text));
  return absl::OkStatus();
}

// SUBMITTING: everything that a later life must know, in one commit, before anything leaves.
void Desk::Begin(Turn& turn, const Ask& ask, const std::string& id, record::v1::IntentRow& intent,
                 const customer::internal::v1::Grant& grant) {
  const internal::v1::Hello& connector = ask.session->hello;
  intent.set_attempt(id);
  intent.set_attempts(intent.attempts() + 1);
  intent.set_connector(connector.connector());
  intent.clear_parts();
  intents_.Move(turn, intent, State::kInFlight, "");
  Claim(turn, intent, grant);
  if (intent.channel() == type::v1::CHANNEL_EMAIL) storage::PutRecord(turn.tx, AttemptKey(id), intent.key());
  record::v1::OpenAttemptRow open;
  *open.mutable_key() = intent.key();
  open.set_connector(connector.connector());
  open.set_life(connector.life());
  open.set_address_hash(AddressHash(grant.address()));
  open.set_reference((static_cast<uint8_t>(id[14]) << 8) | static_cast<uint8_t>(id[15]));
  storage::PutRecord(turn.tx, OpenKey(id), open);
  Remember(id, std::move(open), false);
}

// The name of the rule if another intent of this step has this person (under any id) or this endpoint
// already.
std::string Desk::DuplicateOf(Turn& turn, const record::v1::IntentRow& intent,
                              const customer::internal::v1::Grant& grant) {
  std::vector<std::string> people = {PersonClaim(grant.person())};
  for (const auto& former : grant.former_names()) people.push_back(PersonClaim(former));
  for (const auto& subject : people) {
    if (IsTaken(turn, intent.key(), subject)) return "DUPLICATE_PERSON";
  }
  return IsTaken(turn, intent.key(), EndpointClaim(intent.endpoint())) ? "DUPLICATE_ENDPOINT" : "";
}

// By another intent whose message reached, or may have reached, the provider. A definite refusal does not
// count.
bool Desk::IsTaken(Turn& turn, const record::v1::IntentKey& key, const std::string& subject) {
  const auto claim = LoadRow<record::v1::IntentKey>(turn, ClaimKey(key, subject));
  if (!claim || SameIntent(*claim, key)) return false;
  const auto claimant = intents_.Load(turn, *claim);
  if (!claimant) return false;
  const State state = StateOf(*claimant);
  const bool refused =
      state == State::kFailed && claimant->parts_size() == 0 && claimant->reason() != "PARTIAL";
  return state != State::kPending && state != State::kWithheld && !refused;
}

void Desk::Claim(Turn& turn, const record::v1::IntentRow& intent,
                 const customer::internal::v1::Grant& grant) {
  storage::PutRecord(turn.tx, ClaimKey(intent.key(), PersonClaim(grant.person())), intent.key());
  storage::PutRecord(turn.tx, ClaimKey(intent.key(), EndpointClaim(intent.endpoint())), intent.key());
  if (intent.key().campaign() != kConfirmations) {
    storage::PutRecord(turn.tx, LastToKey(intent.endpoint()), intent.key());
  }
}

// SUBMITTING is on disk. Only what answers a live pull before use-by goes out; the rest is taken back.
void Desk::HandToConnector(const SessionPtr& session, std::vector<Ready> batch, int64_t use_by_us) {
  const int64_t boot = clock_.BootMicros();
  const bool here = std::find(sessions_.begin(), sessions_.end(), session) != sessions_.end();
  size_t fits = 0;
  if (here && PullIsLive(*session, boot) && boot < use_by_us) {
    fits = std::min<size_t>(batch.size(), static_cast<size_t>(session->pull_credit));
  }
  internal::v1::WorkResponse message;
  auto* attempts = message.mutable_attempts();
  attempts->set_pull_number(session->pull_number);
  attempts->set_life(session->hello.life());
  for (size_t i = 0; i < fits; ++i) {
    batch[i].attempt.set_lease_us(use_by_us - session->pull_arrived_us);
    if (auto open = open_.find(batch[i].id); open != open_.end())
      open->second.lease_us = batch[i].attempt.lease_us();
    *attempts->add_attempts() = std::move(batch[i].attempt);
  }
  if (fits > 0) {
    session->pull_live = false;
    if (!session->outbox.TryPush(std::move(message))) fits = 0;
  }
  for (size_t i = fits; i < batch.size(); ++i) {
    loop_.PostSelf([this, id = batch[i].id](Turn& turn) { TakeBack(turn, id); });
  }
}

// It does not count as a hand-over tried.
void Desk::NotHandedOver(Turn& turn, record::v1::IntentRow& intent, std::string_view reason) {
  intent.set_attempts(intent.attempts() - 1);
  // The provider was slower than a lease: asking again at once would only go round in circles.
  if (reason == "LEASE_OVER") intent.set_due_time_us(turn.now_us + kLeaseOverMicros);
  Requeue(turn, intent, reason);
}

// This life knows that it never sent it: pending again.
void Desk::TakeBack(Turn& turn, const std::string& id) {
  auto at = open_.find(id);
  if (at == open_.end() || at->second.in_doubt) return;
  auto intent = intents_.Load(turn, at->second.row.key());
  if (intent && StateOf(*intent) == State::kInFlight) NotHandedOver(turn, *intent, "NOT_HANDED_OVER");
  Close(turn, id);
  Release(turn, id);
}

}  // namespace pharos::dispatch
