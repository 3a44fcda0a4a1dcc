// Receipts and complaints: what providers say later. They come twice, in any order, contradicting each other,
// and before the answer that they belong to.
#include <algorithm>

#include "services/base/ids.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/mail_site.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {

void Desk::OnReceipts(Turn& turn, const SessionPtr& session, const internal::v1::Receipts& receipts) {
  internal::v1::WorkResponse message;
  for (const auto& receipt : receipts.receipts()) {
    OnReceipt(turn, session->hello.connector(), receipt);
    message.mutable_acknowledgement()->add_receipts(receipt.sequence());
  }
  turn.After([session, message = std::move(message)] { (void)session->outbox.TryPush(message); });
}

void Desk::RecordReceipts(Turn& turn, const std::string& connector, const internal::v1::Receipts& receipts) {
  for (const auto& receipt : receipts.receipts()) OnReceipt(turn, connector, receipt);
}

void Desk::OnReceipt(Turn& turn, const std::string& connector, const internal::v1::Receipt& receipt) {
  if (const auto key = IntentOfReceipt(turn, connector, receipt.provider_id())) {
    record::v1::IntentRow* intent = intents_.Load(turn, *key);
    const bool known = intent != nullptr &&
                       std::any_of(intent->parts().begin(), intent->parts().end(), [&](const auto& part) {
                         return part.provider_id() == receipt.provider_id();
                       });
    if (known) return ApplyReceipt(turn, *intent, receipt);
    if (intent != nullptr && receipt.complaint()) Complain(turn, *intent);
  }
  if (receipt.reference() >= 0 && !receipt.address().empty()) {
    const std::string key = OpenAttempts::ReferenceKey(receipt.reference(), AddressHash(receipt.address()));
    if (SettleByReference(turn, connector, key, receipt)) return;
  }
  if (SettleByAttempt(turn, receipt)) return;
  Park(turn, connector, receipt);
}

// By the provider's id, or by our own name for an email.
std::optional<record::v1::IntentKey> Desk::IntentOfReceipt(Turn& turn, const std::string& connector,
                                                           const std::string& provider_id) {
  if (auto key = LoadRow<record::v1::IntentKey>(turn, ProviderKey(connector, provider_id))) return key;
  const std::string attempt = base::FromHex(provider_id);
  if (attempt.size() != kAttemptBytes) return std::nullopt;
  return LoadRow<record::v1::IntentKey>(turn, AttemptKey(attempt));
}

// Its answer is not here yet, or was lost: kept until it comes, or until the message is known to be in doubt.
void Desk::Park(Turn& turn, const std::string& connector, const internal::v1::Receipt& receipt) {
  const std::string key = ParkedKey(connector, receipt.provider_id());
  auto earlier = LoadRow<record::v1::ParkedReceiptRow>(turn, key);
  const bool complains = receipt.complaint() && !(earlier && earlier->complaint());
  if (earlier && !IsStronger(receipt.state(), earlier->state())) {
    if (!complains) return;
    earlier->set_complaint(true);
    storage::PutRecord(turn.tx, key, *earlier);
    return;
  }
  if (!earlier) ++parked_rows_;
  if (earlier) ForgetParked(*earlier, connector, receipt.provider_id());
  record::v1::ParkedReceiptRow parked;
  parked.set_state(receipt.state());
  parked.set_hard_bounce(receipt.hard_bounce());
  parked.set_complaint(receipt.complaint() || (earlier && earlier->complaint()));
  parked.set_time_us(turn.now_us);
  parked.set_reference(receipt.reference());
  if (receipt.reference() >= 0 && !receipt.address().empty()) {
    parked.set_address_hash(AddressHash(receipt.address()));
    parked_.emplace(OpenAttempts::ReferenceKey(receipt.reference(), parked.address_hash()),
                    std::pair(connector, receipt.provider_id()));
  }
  storage::PutRecord(turn.tx, key, parked);
}

// Parts of one message have one reference and one number: only their ids tell them apart.
void Desk::ForgetParked(const record::v1::ParkedReceiptRow& row, const std::string& connector,
                        const std::string& provider_id) {
  if (row.address_hash().empty()) return;
  const auto [begin, end] =
      parked_.equal_range(OpenAttempts::ReferenceKey(row.reference(), row.address_hash()));
  const auto at = std::find_if(
      begin, end, [&](const auto& entry) { return entry.second == std::pair(connector, provider_id); });
  if (at != end) parked_.erase(at);
}

void Desk::ApplyReceipt(Turn& turn, record::v1::IntentRow& intent, const internal::v1::Receipt& receipt) {
  if (receipt.complaint()) Complain(turn, intent);
  for (auto& part : *intent.mutable_parts()) {
    if (part.provider_id() != receipt.provider_id() || !IsStronger(receipt.state(), part.receipt())) continue;
    part.set_receipt(receipt.state());
    if (receipt.hard_bounce()) ReportEndpoint(turn, intent.endpoint(), type::v1::HARD_BOUNCE);
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

// The receiver does not want it: nothing goes there again, and it counts against the campaign and the site.
void Desk::Complain(Turn& turn, record::v1::IntentRow& intent) {
  ReportEndpoint(turn, intent.endpoint(), type::v1::COMPLAINT);
  if (intent.complained()) return;
  intent.set_complained(true);
  intents_.Save(turn, intent);
  record::v1::TallyRow& tally = intents_.Tally(turn, intent.key().campaign());
  tally.set_complained(tally.complained() + 1);
  intents_.NoteResponse(turn, intent.key(), "COMPLAINED", intent.channel());
  if (!intent.mail_site().empty()) AddMailComplaint(ChangeMailSite(turn, intent.mail_site()), turn.now_us);
  if (intent.canary()) CountCanaryOf(turn, intent, CanaryEvent::kComplained);
}

// A message in doubt whose receipt came: the receipt carries our reference and the number, which together
// name the attempt. Its permit is not released: in doubt, it runs out.
bool Desk::SettleByReference(Turn& turn, const std::string& connector, const std::string& reference_key,
                             const internal::v1::Receipt& receipt) {
  const OpenAttempt* open = open_.ByReference(reference_key);
  if (open == nullptr || !open->in_doubt || open->row.connector() != connector) return false;
  const std::string id = open->row.id();
  record::v1::IntentRow* intent = intents_.Load(turn, open->row.key());
  if (intent == nullptr || intent->attempt() != id) return false;
  internal::v1::Accepted accepted;
  accepted.add_provider_ids(receipt.provider_id());
  OnAccepted(turn, *open, *intent, accepted);
  const int hops = intent->earlier_size();
  internal::v1::Receipt state = receipt;
  state.set_hard_bounce(false);  // by a number and a reference alone nobody is suppressed
  ApplyReceipt(turn, *intent, state);
  if (intent->parts_size() >= intent->expected_parts() || intent->earlier_size() > hops) Close(turn, id);
  return true;
}

// A message in doubt that goes by our own name for it: the receipt names the attempt, whichever connector
// brings it.
bool Desk::SettleByAttempt(Turn& turn, const internal::v1::Receipt& receipt) {
  const std::string id = base::FromHex(receipt.provider_id());
  const OpenAttempt* open = id.size() == kAttemptBytes ? open_.Find(id) : nullptr;
  if (open == nullptr) return false;
  record::v1::IntentRow* intent = intents_.Load(turn, open->row.key());
  if (intent == nullptr || intent->attempt() != id) return false;
  if (!open->in_doubt) {  // its answer is still to come, to the connector that has it
    Park(turn, open->row.connector(), receipt);
    return true;
  }
  internal::v1::Accepted accepted;
  accepted.add_provider_ids(receipt.provider_id());
  OnAccepted(turn, *open, *intent, accepted);
  ApplyReceipt(turn, *intent, receipt);
  Close(turn, id);
  return true;
}

}  // namespace pharos::dispatch
