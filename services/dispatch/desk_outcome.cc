// Outcomes and receipts: what became of what was handed over. Both may come late, twice, and in any order.
#include <algorithm>

#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

// A provider that says "not now" is left alone this long, twice as long each time, up to the most.
constexpr int64_t kLeastRetryMicros = 200'000;
constexpr int64_t kMostRetryMicros = 60'000'000;

}  // namespace

void Desk::OnOutcomes(Turn& turn, const SessionPtr& session, const internal::v1::Outcomes& outcomes) {
  internal::v1::WorkResponse message;
  for (const auto& outcome : outcomes.outcomes()) {
    if (OnOutcome(turn, session, outcome)) message.mutable_acknowledgement()->add_outcomes(outcome.id());
  }
  if (!message.has_acknowledgement()) return;
  turn.After([session, message] { (void)session->outbox.TryPush(message); });
}

// True: durable at the end of this turn (or long since), so the connector may forget it.
bool Desk::OnOutcome(Turn& turn, const SessionPtr& session, const internal::v1::Outcome& outcome) {
  auto at = open_.find(outcome.id());
  if (at == open_.end()) return true;
  Open& open = at->second;
  if (open.row.life() != session->hello.life()) return true;  // another life's word proves nothing
  auto intent = intents_.Load(turn, open.row.key());
  if (!intent || outcome.result_case() == internal::v1::Outcome::RESULT_NOT_SET) return true;
  if (intent->attempt() != outcome.id()) {  // it went on to another channel since
    Close(turn, outcome.id());
    Release(turn, outcome.id());
    return true;
  }
  WatchLease(session, open, outcome);
  const bool settled = StateOf(*intent) != State::kInFlight && StateOf(*intent) != State::kUnconfirmed;
  if (outcome.has_no_answer()) {
    open.row.set_no_answer(true);
    storage::PutRecord(turn.tx, OpenKey(outcome.id()), open.row);
    if (!settled) Doubt(turn, outcome.id(), open, outcome.no_answer().reason());
    return true;  // the permit runs out, the open attempt stays for a receipt
  }
  if (open.row.no_answer() && outcome.has_refused())
    return true;  // it was handed over: this life has said so
  if (outcome.has_accepted()) OnAccepted(turn, open, *intent, outcome.accepted());
  if (!settled && outcome.has_rejected()) OnRejected(turn, *intent, outcome.rejected());
  if (!settled && outcome.has_refused()) OnRefused(turn, *intent, outcome.refused());
  Close(turn, outcome.id());
  Release(turn, outcome.id());
  return true;
}

// The connector's clock against the lease that it was given. Never silent: counted, shown, logged.
void Desk::WatchLease(const SessionPtr& session, const Open& open, const internal::v1::Outcome& outcome) {
  if (open.lease_us == 0 || outcome.elapsed_us() <= open.lease_us + kHardStopMicros + kGuardMicros) return;
  ++connectors_[session->hello.connector()].lease_breaches;
  base::Log(base::LogLevel::kError, "dispatch.lease_breach", {{"connector", session->hello.connector()}});
}

// Also for a message that a receipt has settled before: its other parts become known.
void Desk::OnAccepted(Turn& turn, Open& open, record::v1::IntentRow& intent,
                      const internal::v1::Accepted& accepted) {
  const State state = StateOf(intent);
  if (state == State::kInFlight || state == State::kUnconfirmed) {
    intents_.Move(turn, intent, State::kSent, "");
    auto& counts = *intents_.Tally(turn, intent.key().campaign()).mutable_accepted_by_channel();
    ++counts[type::v1::Channel_Name(intent.channel())];
  }
  std::vector<std::string> fresh;
  for (const auto& id : accepted.provider_ids()) {
    const bool known = std::any_of(intent.parts().begin(), intent.parts().end(),
                                   [&](const auto& part) { return part.provider_id() == id; });
    if (id.empty() || known) continue;
    intent.add_parts()->set_provider_id(id);
    storage::PutRecord(turn.tx, ProviderKey(open.row.connector(), id), intent.key());
    fresh.push_back(id);
  }
  intents_.Save(turn, intent);
  for (const auto& id : fresh) {
    const std::string parked = ParkedKey(open.row.connector(), id);
    if (auto early = LoadRow<record::v1::ParkedReceiptRow>(turn, parked)) {
      turn.tx.Delete(parked);
      parked_.erase(ReferenceKey(early->reference(), early->address_hash()));
      ApplyReceipt(turn, intent, id, early->state(), early->hard_bounce());
    }
  }
}

void Desk::OnRejected(Turn& turn, record::v1::IntentRow& intent, const internal::v1::Rejected& rejected) {
  if (rejected.hard_bounce()) {
    ReportEndpoint(turn, intent.endpoint(), type::v1::HARD_BOUNCE);
    return Fail(turn, intent, "HARD_BOUNCE");
  }
  if (!rejected.transient() || intent.attempts() >= kMaxAttempts)
    return Fail(turn, intent, rejected.reason().empty() ? "PROVIDER_ERROR" : rejected.reason());
  const int64_t least = std::max(rejected.retry_after_ms() * 1000, kLeastRetryMicros);
  const int64_t backoff = std::min(kMostRetryMicros, kLeastRetryMicros << std::min(intent.attempts() - 1, 9));
  intent.set_due_time_us(turn.now_us + std::max(least, backoff));
  Requeue(turn, intent, rejected.reason());
}

void Desk::OnRefused(Turn& turn, record::v1::IntentRow& intent, const internal::v1::Refused& refused) {
  if (refused.permanent()) {
    Fail(turn, intent, refused.reason());
  } else {
    NotHandedOver(turn, intent, refused.reason());
  }
}

void Desk::OnReceipts(Turn& turn, const SessionPtr& session, const internal::v1::Receipts& receipts) {
  internal::v1::WorkResponse message;
  for (const auto& receipt : receipts.receipts()) {
    OnReceipt(turn, session, receipt);
    message.mutable_acknowledgement()->add_receipts(receipt.sequence());
  }
  turn.After([session, message] { (void)session->outbox.TryPush(message); });
}

void Desk::OnReceipt(Turn& turn, const SessionPtr& session, const internal::v1::Receipt& receipt) {
  const std::string& connector = session->hello.connector();
  if (auto key = LoadRow<record::v1::IntentKey>(turn, ProviderKey(connector, receipt.provider_id()))) {
    if (auto intent = intents_.Load(turn, *key))
      ApplyReceipt(turn, *intent, receipt.provider_id(), receipt.state(), receipt.hard_bounce());
    return;
  }
  if (receipt.reference() >= 0 && !receipt.address().empty()) {
    const std::string key = ReferenceKey(receipt.reference(), AddressHash(receipt.address()));
    if (SettleByReference(turn, connector, key, receipt.provider_id(), receipt.state())) return;
  }
  if (SettleByAttempt(turn, receipt)) return;
  Park(turn, connector, receipt);
}

// Its answer is not here yet, or was lost: kept until it comes, or until the message is known to be in doubt.
void Desk::Park(Turn& turn, const std::string& connector, const internal::v1::Receipt& receipt) {
  const std::string key = ParkedKey(connector, receipt.provider_id());
  auto earlier = LoadRow<record::v1::ParkedReceiptRow>(turn, key);
  if (earlier && !IsStronger(receipt.state(), earlier->state())) return;
  record::v1::ParkedReceiptRow parked;
  parked.set_state(receipt.state());
  parked.set_hard_bounce(receipt.hard_bounce());
  parked.set_time_us(turn.now_us);
  parked.set_reference(receipt.reference());
  if (receipt.reference() >= 0 && !receipt.address().empty()) {
    parked.set_address_hash(AddressHash(receipt.address()));
    parked_[ReferenceKey(receipt.reference(), parked.address_hash())] = {connector, receipt.provider_id()};
  }
  storage::PutRecord(turn.tx, key, parked);
}

void Desk::ApplyReceipt(Turn& turn, record::v1::IntentRow& intent, const std::string& provider_id, int state,
                        bool hard_bounce) {
  for (auto& part : *intent.mutable_parts()) {
    if (part.provider_id() != provider_id || !IsStronger(state, part.receipt())) continue;
    part.set_receipt(state);
    if (hard_bounce) ReportEndpoint(turn, intent.endpoint(), type::v1::HARD_BOUNCE);
    const Settled settled = Settle(intent);
    if (settled.state == State::kFailed && NothingArrived(intent) && GoOn(turn, intent, settled.reason))
      return;
    const bool moves = settled.state != StateOf(intent) || settled.reason != intent.reason();
    // A part of a failed message that arrives after all does not make it sent again: a provider's word moves
    // nothing that the table of states does not move.
    if (moves && MayMove(StateOf(intent), settled.state)) {
      intents_.Move(turn, intent, settled.state, settled.reason);
    } else {
      intents_.Save(turn, intent);
    }
    return;
  }
}

// A message in doubt whose receipt came: the receipt carries our reference and the number, which together
// name the attempt. Its permit is not released: in doubt, it runs out.
bool Desk::SettleByReference(Turn& turn, const std::string& connector, const std::string& reference_key,
                             const std::string& provider_id, int state) {
  const auto [begin, end] = by_reference_.equal_range(reference_key);
  if (begin == end || std::next(begin) != end) return false;  // nobody, or more than one
  const std::string id = begin->second;
  Open& open = open_.at(id);
  if (!open.in_doubt || open.row.connector() != connector) return false;
  auto intent = intents_.Load(turn, open.row.key());
  if (!intent || intent->attempt() != id) return false;
  internal::v1::Accepted accepted;
  accepted.add_provider_ids(provider_id);
  OnAccepted(turn, open, *intent, accepted);
  const int hops = intent->earlier_size();
  ApplyReceipt(turn, *intent, provider_id, state, false);
  if (intent->parts_size() >= intent->expected_parts() || intent->earlier_size() > hops) Close(turn, id);
  return true;
}

// An email in doubt whose bounce came: it names the attempt, whichever connector brings it.
bool Desk::SettleByAttempt(Turn& turn, const internal::v1::Receipt& receipt) {
  const std::string id = base::FromHex(receipt.provider_id());
  const auto at = id.size() == kAttemptBytes ? open_.find(id) : open_.end();
  if (at == open_.end()) return false;
  Open& open = at->second;
  auto intent = intents_.Load(turn, open.row.key());
  if (!intent || intent->attempt() != id) return false;
  if (!open.in_doubt) {  // its answer is still to come, to the connector that has it
    Park(turn, open.row.connector(), receipt);
    return true;
  }
  internal::v1::Accepted accepted;
  accepted.add_provider_ids(receipt.provider_id());
  OnAccepted(turn, open, *intent, accepted);
  ApplyReceipt(turn, *intent, receipt.provider_id(), receipt.state(), receipt.hard_bounce());
  Close(turn, id);
  return true;
}

void Desk::Remember(const std::string& id, record::v1::OpenAttemptRow row, bool in_doubt) {
  by_reference_.emplace(ReferenceKey(row.reference(), row.address_hash()), id);
  ++connectors_[row.connector()].in_flight;
  open_.insert_or_assign(id, Open{std::move(row), in_doubt});
}

void Desk::Close(Turn& turn, const std::string& id) {
  auto at = open_.find(id);
  if (at == open_.end()) return;
  const auto [begin, end] =
      by_reference_.equal_range(ReferenceKey(at->second.row.reference(), at->second.row.address_hash()));
  for (auto it = begin; it != end; ++it) {
    if (it->second != id) continue;
    by_reference_.erase(it);
    break;
  }
  --connectors_[at->second.row.connector()].in_flight;
  open_.erase(at);
  turn.tx.Delete(OpenKey(id));
}

std::string Desk::AddressHash(const std::string& address) const {
  return reference_key_.Of("open-attempt-address", address).substr(0, 8);
}

std::string Desk::ReferenceKey(int32_t reference, const std::string& address_hash) {
  return address_hash + std::to_string(reference);
}

}  // namespace pharos::dispatch
