// Doubt: lost streams, lost answers. What is in doubt is never queued again by itself; only the connector
// life that was addressed can say that it did not hand it over, and only a receipt, that life or the provider
// that it did. A campaign that prefers a duplicate to a miss, by name, has its messages sent again in the
// end.
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr size_t kQueryBatch = 1024;
constexpr size_t kLookUpBatch = 256;
// A lost stream's life may come back and answer exactly. Past the hard stop of everything that it held, we
// stop calling it in flight.
constexpr int64_t kDoubtAfterMicros = kUseByMicros + kHardStopMicros + kGuardMicros + 500'000;
constexpr int64_t kSettleMicros = 1'000'000;     // how often what is in doubt is looked at
constexpr int64_t kAskAgainMicros = 30'000'000;  // the provider, about the same message
constexpr int64_t kMostLookUpMicros = int64_t{6} * 24 * 3600 * 1'000'000;  // GOV.UK Notify lists 7 days
constexpr int64_t kInDoubtMicros = 900'000'000;  // the default of SendRules.in_doubt_after_s
constexpr size_t kResendBatch = 1000;            // a turn

}  // namespace

// Asks a life what became of the attempts that it was given.
void Desk::QueryOpen(const SessionPtr& session) {
  internal::v1::WorkResponse message;
  for (const auto& [id, open] : open_.table()) {
    if (open.row.life() != session->hello.life() || open.row.no_answer()) continue;
    message.mutable_query()->add_ids(id);
    if (static_cast<size_t>(message.query().ids_size()) >= kQueryBatch) {
      (void)session->outbox.TryPush(std::exchange(message, {}));
    }
  }
  if (message.has_query()) (void)session->outbox.TryPush(message);
}

void Desk::DoubtLost(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  for (auto life = lost_lives_.begin(); life != lost_lives_.end();) {
    if (boot - life->second < kDoubtAfterMicros) {
      ++life;
      continue;
    }
    std::vector<std::string> lost;  // settling one of them changes the table
    for (auto& [id, open] : open_.table()) {
      if (open.row.life() == life->first && !open.in_doubt) lost.push_back(id);
    }
    for (const auto& id : lost) {
      if (OpenAttempt* open = open_.Find(id)) Doubt(turn, *open, "CONNECTOR_LOST");
    }
    life = lost_lives_.erase(life);
  }
}

void Desk::Doubt(Turn& turn, OpenAttempt& open, std::string_view reason) {
  if (!open.in_doubt) open.doubt_us = clock_.BootMicros();
  open.in_doubt = true;
  const std::string id = open.row.id(), connector = open.row.connector();
  record::v1::IntentRow* intent = intents_.Load(turn, open.row.key());
  if (intent != nullptr && StateOf(*intent) == State::kInFlight && intent->attempt() == id) {
    intent->set_doubt_time_us(turn.now_us);
    intent->set_only_connector(connector);
    intents_.Move(turn, *intent, State::kUnconfirmed, reason);
  }
  // Its receipt may have come before.
  internal::v1::Receipt receipt;
  const std::string key = OpenAttempts::ReferenceKey(open.row.reference(), open.row.address_hash());
  std::vector<std::pair<std::string, std::string>> early;  // of each part one; settling takes them out
  for (auto [at, end] = parked_.equal_range(key); at != end; ++at) early.push_back(at->second);
  for (const auto& [of, provider_id] : early) {
    receipt.set_provider_id(provider_id);
    (void)SettleByReference(turn, of, key, receipt);
  }
  if (!early.empty()) return;
  if (parked_rows_ == 0) return;
  const std::string name = base::ToHex(id);
  if (const auto parked = LoadRow<record::v1::ParkedReceiptRow>(turn, ParkedKey(connector, name))) {
    turn.tx.Delete(ParkedKey(connector, name));
    --parked_rows_;
    receipt.set_provider_id(name);
    receipt.set_state(static_cast<internal::v1::ReceiptState>(parked->state()));
    receipt.set_hard_bounce(parked->hard_bounce());
    receipt.set_complaint(parked->complaint());
    SettleByAttempt(turn, receipt);
  }
}

// What is in doubt: ask the provider where it can be asked, and do what the campaign declared where nobody
// could tell for long enough.
void Desk::SettleDoubts(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (boot - settled_at_us_ < kSettleMicros) return;
  settled_at_us_ = boot;
  LookUp(turn);
  std::vector<std::string> due;
  for (const auto& [id, open] : open_.table()) {
    if (open.in_doubt && boot - open.doubt_us >= kDoubtAfterMicros && ResendAfterDoubt(turn, open) &&
        !StaysInDoubt(turn, open))
      due.push_back(id);
    if (due.size() == kResendBatch) break;
  }
  for (const auto& id : due) {
    record::v1::IntentRow* intent = intents_.Load(turn, open_.Find(id)->row.key());
    Close(turn, id);  // not released: its permit has run out
    Requeue(turn, *intent, kResentAfterDoubt);
    base::Log(base::LogLevel::kWarning, "dispatch.resent_after_doubt", {{"connector", intent->connector()}});
  }
}

// By the policy that was approved with the campaign: at least once, by name.
bool Desk::ResendAfterDoubt(Turn& turn, const OpenAttempt& open) {
  const Step* step = StepOf(turn, open.row.key());
  if (step == nullptr || step->manifest.rules().in_doubt() != type::v1::PREFER_DUPLICATE) return false;
  if (step->manifest.purpose_class() == type::v1::PURPOSE_CLASS_MARKETING) return false;
  const record::v1::IntentRow* intent = intents_.Load(turn, open.row.key());
  if (intent == nullptr || StateOf(*intent) != State::kUnconfirmed || intent->attempt() != open.row.id())
    return false;
  const int64_t after_s = step->manifest.rules().in_doubt_after_s();
  const int64_t wait = after_s > 0 ? after_s * 1'000'000 : kInDoubtMicros;
  return turn.now_us - intent->doubt_time_us() >= wait && intent->attempts() < kMaxAttempts;
}

// Its campaign would have it sent again, but has been stopped or is over: it stays UNCONFIRMED and says so.
// The attempt stays open, as a receipt may still tell.
bool Desk::StaysInDoubt(Turn& turn, const OpenAttempt& open) {
  const record::v1::IntentKey& key = open.row.key();
  const bool halted = SteeringOf(turn, key.campaign()) == internal::v1::HALT;
  if (!halted && !Expired(*StepOf(turn, key), turn.now_us)) return false;
  const std::string why = halted ? "STOPPED" : "EXPIRED";
  record::v1::IntentRow* intent = intents_.Load(turn, key);
  if (intent->reason() != why) intents_.Move(turn, *intent, State::kUnconfirmed, why);
  return true;
}

void Desk::LookUp(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  for (const SessionPtr& session : sessions_) {
    if (!session->hello.can_look_up()) continue;
    internal::v1::WorkResponse message;
    for (auto& [id, open] : open_.table()) {
      if (!open.in_doubt || open.row.connector() != session->hello.connector()) continue;
      if (boot - open.doubt_us < kDoubtAfterMicros) continue;  // it may still be on its way
      if (open.asked_us != 0 && boot - open.asked_us < kAskAgainMicros) continue;
      const record::v1::IntentRow* intent = intents_.Load(turn, open.row.key());
      // A provider that has forgotten it would say that it never had it.
      if (intent == nullptr || turn.now_us - intent->doubt_time_us() > kMostLookUpMicros) continue;
      open.asked_us = boot;
      message.mutable_look_up()->add_ids(id);
      if (static_cast<size_t>(message.look_up().ids_size()) >= kLookUpBatch) break;
    }
    if (message.has_look_up()) turn.After([session, message] { (void)session->outbox.TryPush(message); });
  }
}

void Desk::OnFindings(Turn& turn, const SessionPtr& session, const internal::v1::Findings& findings) {
  for (const auto& finding : findings.findings()) {
    const OpenAttempt* open = open_.Find(finding.id());
    if (open == nullptr || open->row.connector() != session->hello.connector()) continue;
    // An answer to a question that we had reason to ask: not before the hard stop of that attempt.
    if (!open->in_doubt || open->asked_us == 0) continue;
    record::v1::IntentRow* intent = intents_.Load(turn, open->row.key());
    if (intent == nullptr || intent->attempt() != finding.id()) continue;
    if (StateOf(*intent) != State::kUnconfirmed) {
      Close(turn, finding.id());
      continue;
    }
    if (finding.has_there()) OnAccepted(turn, *open, *intent, finding.there());
    if (finding.not_there()) {
      if (!WasResent(*intent)) intent->clear_only_connector();  // it has nothing of it
      Requeue(turn, *intent, "NOT_AT_PROVIDER");
    }
    if (finding.has_there() || finding.not_there()) Close(turn, finding.id());
  }
}

}  // namespace pharos::dispatch
