// Pulls and permits: from a connector's pull to a message in its hands.
//
// The order is the permit protocol's: ask customer (use-by runs from before the call) → SUBMITTING durable →
// use-by checked again → hand to the connector's live pull. What is too late is taken back by this same life,
// which knows that it never sent it.
#include <algorithm>

#include "services/base/crash_point.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/content/sms_text.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/message.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kLeaseOverMicros = 5'000'000;
constexpr int64_t kAskBackoffMicros = 200'000;  // after customer was away

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
  if (!IsUsed(session->hello.connector(), session->hello.channel())) return;
  const size_t most = std::min<size_t>(kAskBatch, static_cast<size_t>(session->pull_credit));
  auto keys = ready_.Take(
      store_, session->hello.channel(), most, turn.now_us,
      [&](const std::string& campaign, bool canary) { return Admit(turn, *session, campaign, canary); });
  if (!keys.ok()) return turn.Fail(keys.status());
  auto ask = std::make_shared<Ask>();
  ask->session = session;
  ask->sent_us = clock_.BootMicros();
  customer::internal::v1::IssuePermitsRequest request;
  for (const auto& key : *keys) {
    if (WantPermit(turn, session, key, *ask, request)) continue;
    ready_.Forget(key);
    GiveBackPace(turn, *session, key.campaign());
  }
  if (ask->items.empty()) return;
  session->asking = true;
  const bool asked = customer_.IssuePermits(
      std::move(request), [this, ask](absl::StatusOr<customer::internal::v1::IssuePermitsResponse> answer) {
        (void)loop_.Post([this, ask, answer = std::move(answer)](Turn& turn) mutable {
          OnPermits(turn, *ask, std::move(answer));
        });
      });
  if (!asked) OnPermits(turn, *ask, absl::UnavailableError("too many permit requests are waiting"));
}

// False: there is nothing to ask for.
bool Desk::WantPermit(Turn& turn, const SessionPtr& session, const record::v1::IntentKey& key, Ask& ask,
                      customer::internal::v1::IssuePermitsRequest& request) {
  record::v1::IntentRow* intent = intents_.Load(turn, key);
  const Step* step = intent != nullptr ? StepOf(turn, key) : nullptr;
  if (step == nullptr || StateOf(*intent) != State::kPending) return false;
  if (Expired(*step, turn.now_us)) {
    intents_.Move(turn, *intent, State::kWithheld, "EXPIRED");
    return false;
  }
  if (key.campaign() == kConfirmations) {
    if (const std::string over = ConfirmationOver(turn, *intent); !over.empty()) {
      intents_.Move(turn, *intent, State::kWithheld, over);
      return false;
    }
  }
  if (const auto wait = WaitUntil(turn, *session, *step, *intent)) {
    intents_.PutOff(turn, *intent, *wait);
    return false;
  }
  const bool single = IsMessageStep(key.step());
  if (single && !HasContent(turn, *intent)) return false;
  auto* wanted = request.add_requests();
  wanted->set_id(MintId(key));
  wanted->set_person(key.person());
  wanted->set_endpoint(intent->endpoint());
  wanted->set_channel(intent->channel());
  wanted->set_purpose(step->manifest.purpose());
  if (key.campaign() == kConfirmations) wanted->set_confirmation_of(key.step());
  wanted->set_measure(intent->channel() == type::v1::CHANNEL_EMAIL && Measures(*step));
  const auto want = [&](const std::vector<std::string>& fields) {
    for (const auto& field : fields) {
      if (std::find(request.fields().begin(), request.fields().end(), field) == request.fields().end())
        request.add_fields(field);
    }
  };
  wanted->set_whoever(single);
  ask.items.push_back({wanted->id(), key});
  if (single) return true;  // it brings its own values
  if (step->email && intent->channel() == type::v1::CHANNEL_EMAIL) want(step->email->fields());
  if (step->text && intent->channel() == type::v1::CHANNEL_SMS) want(step->text->fields());
  return true;
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
    for (const auto& item : ask.items) {
      if (const auto* intent = intents_.Load(turn, item.key); intent != nullptr) ready_.Return(*intent);
      GiveBackPace(turn, *ask.session, item.key.campaign());
    }
    ask_not_before_us_ = clock_.BootMicros() + kAskBackoffMicros;
    return;
  }
  std::vector<Ready> batch;
  std::vector<record::v1::OpenAttemptRow> begun;
  for (int i = 0; i < answer->answers_size(); ++i) {
    if (auto ready = Submit(turn, ask, ask.items[i], answer->answers(i), begun))
      batch.push_back(*std::move(ready));
    else
      GiveBackPace(turn, *ask.session, ask.items[i].key.campaign());
  }
  if (batch.empty()) return;
  const internal::v1::Hello& connector = ask.session->hello;
  RouteOf(connector.connector()).in_flight += static_cast<int32_t>(begun.size());
  open_.Add(turn, connector.connector(), connector.life(), std::move(begun));
  base::CrashPoint("dispatch.before_submitting");
  const int64_t use_by = ask.sent_us + kUseByMicros;
  turn.After([this, session = ask.session, batch = std::move(batch), use_by]() mutable {
    base::CrashPoint("dispatch.after_submitting");
    HandToConnector(session, std::move(batch), use_by);
  });
}

// One answer: withheld, failed, put back, or SUBMITTING.
std::optional<Desk::Ready> Desk::Submit(Turn& turn, Ask& ask, Asked& item,
                                        const customer::internal::v1::PermitAnswer& answer,
                                        std::vector<record::v1::OpenAttemptRow>& begun) {
  record::v1::IntentRow* intent = intents_.Load(turn, item.key);
  ready_.Forget(item.key);
  const auto give_back = [&] {
    Release(turn, item.id);
    return std::nullopt;
  };
  if (intent == nullptr || StateOf(*intent) != State::kPending || !MayGo(item.key.campaign()))
    return give_back();
  if (!answer.has_granted()) {
    // The gate is not asked about a purpose that has been retired.
    const bool retired = answer.denied() == type::v1::GATE_REASON_UNSPECIFIED;
    intents_.Move(turn, *intent, State::kWithheld,
                  retired ? "PURPOSE_RETIRED" : type::v1::GateReason_Name(answer.denied()));
    return std::nullopt;
  }
  if (clock_.BootMicros() >= ask.sent_us + kUseByMicros) {
    ready_.Return(*intent);
    return give_back();
  }
  const Step* step = StepOf(turn, item.key);
  if (step == nullptr || Expired(*step, turn.now_us)) {
    if (step != nullptr) intents_.Move(turn, *intent, State::kWithheld, "EXPIRED");
    return give_back();
  }
  const customer::internal::v1::Grant& grant = answer.granted();
  Contacts contacts;
  if (std::string reason = WithholdFor(turn, *step, *intent, grant, contacts); !reason.empty()) {
    intents_.Move(turn, *intent, State::kWithheld, reason);
    return give_back();
  }
  if (Learn(turn, *ask.session, *step, grant, *intent)) return give_back();
  if (IsMessageStep(item.key.step()) && !HasContent(turn, *intent)) return give_back();
  Ready ready{item.id, item.key, {}};
  if (const absl::Status composed = Compose(*step, grant, item.id, *intent, ready.attempt); !composed.ok()) {
    Fail(turn, *intent, base::ReasonOf(composed));
    return give_back();
  }
  if (intent->expected_parts() > 1)
    CountPaces(*ask.session, step, item.key.campaign(), intent->expected_parts() - 1);
  begun.push_back(Begin(turn, ask, item.id, *intent, grant));
  NoteContact(turn, *step, *intent, contacts);
  ready.attempt.set_id(item.id);
  ready.attempt.set_hard_stop_us(kHardStopMicros);
  ready.attempt.set_address(grant.address());
  return ready;
}

absl::Status Desk::Compose(const Step& step, const customer::internal::v1::Grant& grant,
                           const std::string& id, record::v1::IntentRow& intent,
                           internal::v1::Attempt& attempt) const {
  std::map<std::string, std::string> values(grant.fields().begin(), grant.fields().end());
  if (IsMessageStep(intent.key().step())) values = ContentOf(intent.key());
  const bool is_email = intent.channel() == type::v1::CHANNEL_EMAIL;
  if (is_email ? !step.email : !step.text) return DispatchErrors::ChannelHasNoText();
  for (const auto& route : step.manifest.routes()) {
    if (route.channel() != intent.channel()) continue;
    attempt.set_sender(route.sender());
    if (is_email) attempt.mutable_email()->set_from_name(route.sender_name());
  }
  if (!intent.sender().empty()) attempt.set_sender(intent.sender());
  if (is_email) {
    const bool may_unsubscribe = step.manifest.purpose_class() != type::v1::PURPOSE_CLASS_URGENT;
    std::string link, preferences;
    if (may_unsubscribe && !settings_.edge_url.empty()) {
      const std::string token = LinkToken(id);
      link = settings_.edge_url + "/u/" + token;
      preferences = settings_.edge_url + "/p/" + token;
    }
    const std::vector<std::string> tracked = TrackedLinks(step, grant, id);
    absl::StatusOr<content::Email> rendered = step.email->Render(values, link, tracked, preferences);
    // Our addresses may be longer than those written: rather uncounted than unsent.
    if (!rendered.ok() && !tracked.empty()) rendered = step.email->Render(values, link, {}, preferences);
    PHAROS_ASSIGN_OR_RETURN(content::Email email, std::move(rendered));
    attempt.mutable_email()->set_subject(std::move(email.subject));
    attempt.mutable_email()->set_html(std::move(email.html));
    attempt.mutable_email()->set_list_unsubscribe(may_unsubscribe);
    attempt.mutable_email()->set_one_click_url(std::move(link));
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
record::v1::OpenAttemptRow Desk::Begin(Turn& turn, const Ask& ask, const std::string& id,
                                       record::v1::IntentRow& intent,
                                       const customer::internal::v1::Grant& grant) {
  intent.set_attempt(id);
  intent.set_attempts(intent.attempts() + 1);
  intent.set_connector(ask.session->hello.connector());
  intent.clear_parts();
  intents_.Move(turn, intent, State::kInFlight, "");
  if (intent.channel() == type::v1::CHANNEL_EMAIL) storage::PutRecord(turn.tx, AttemptKey(id), intent.key());
  record::v1::OpenAttemptRow open;
  *open.mutable_key() = intent.key();
  open.set_id(id);
  open.set_address_hash(AddressHash(grant.address()));
  open.set_reference((static_cast<uint8_t>(id[14]) << 8) | static_cast<uint8_t>(id[15]));
  return open;
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
    if (OpenAttempt* open = open_.Find(batch[i].id)) open->lease_us = batch[i].attempt.lease_us();
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
void Desk::NotHandedOver(Turn& turn, record::v1::IntentRow& intent, const internal::v1::Refused& refused) {
  if (!WasResent(intent)) intent.clear_only_connector();  // nothing of it is anywhere
  intent.set_attempts(intent.attempts() - 1);
  // The provider was slower than a lease: asking again at once would only go round in circles.
  if (refused.reason() == "LEASE_OVER") intent.set_due_time_us(turn.now_us + kLeaseOverMicros);
  if (refused.retry_after_ms() > 0) intent.set_due_time_us(turn.now_us + refused.retry_after_ms() * 1000);
  Requeue(turn, intent, refused.reason());
}

// This life knows that it never sent it: pending again.
void Desk::TakeBack(Turn& turn, const std::string& id) {
  const OpenAttempt* open = open_.Find(id);
  if (open == nullptr || open->in_doubt) return;
  record::v1::IntentRow* intent = intents_.Load(turn, open->row.key());
  if (intent != nullptr && StateOf(*intent) == State::kInFlight) {
    internal::v1::Refused refused;
    refused.set_reason("NOT_HANDED_OVER");
    NotHandedOver(turn, *intent, refused);
  }
  Close(turn, id);
  Release(turn, id);
}

}  // namespace pharos::dispatch
