#include "services/dispatch/intent.h"

#include <cstdlib>

#include "pharos/dispatch/internal/v1/work_service.pb.h"
#include "services/base/log.h"

namespace pharos::dispatch {
namespace {

using internal::v1::ReceiptState;

// Adds to one counter of the tally; gives its new value.
int64_t Bump(record::v1::TallyRow& tally, State state, const std::string& reason, int64_t by) {
  switch (state) {
    case State::kPending:
      tally.set_pending(tally.pending() + by);
      return tally.pending();
    case State::kInFlight:
      tally.set_in_flight(tally.in_flight() + by);
      return tally.in_flight();
    case State::kSent:
      tally.set_sent(tally.sent() + by);
      return tally.sent();
    case State::kDelivered:
      tally.set_delivered(tally.delivered() + by);
      return tally.delivered();
    case State::kUnconfirmed:
      tally.set_unconfirmed(tally.unconfirmed() + by);
      return tally.unconfirmed();
    case State::kFailed:
      return (*tally.mutable_failed())[reason] += by;
    case State::kWithheld:
      return (*tally.mutable_withheld())[reason] += by;
  }
  return 0;
}

bool IsBounce(State state, const std::string& reason) {
  return state == State::kFailed &&
         (reason == "UNDELIVERABLE" || reason == "INVALID_NUMBER" || reason == "HARD_BOUNCE");
}

void Count(record::v1::TallyRow& tally, State state, const std::string& reason, int64_t by) {
  if (IsBounce(state, reason)) tally.set_bounced(tally.bounced() + by);
  if (Bump(tally, state, reason, by) != 0) return;
  if (state == State::kFailed) tally.mutable_failed()->erase(reason);
  if (state == State::kWithheld) tally.mutable_withheld()->erase(reason);
}

void AddEvent(record::v1::IntentRow& row, State to, std::string_view reason, int64_t now_us) {
  if (row.events_size() >= kMaxEvents) row.mutable_events()->DeleteSubrange(1, 1);
  auto* event = row.add_events();
  event->set_time_us(now_us);
  event->set_state(static_cast<int>(to));
  event->set_reason(std::string(reason));
  if (to != State::kPending) event->set_attempt(row.attempt());
}

int Rank(int receipt) {
  switch (receipt) {
    case ReceiptState::DELIVERED:
      return 5;
    case ReceiptState::UNDELIVERABLE:
      return 4;
    case ReceiptState::REJECTED_LATER:
      return 3;
    case ReceiptState::EXPIRED:
      return 2;
    case ReceiptState::DELETED:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

State StateOf(const record::v1::IntentRow& row) {
  return static_cast<State>(row.state());
}

bool WasResent(const record::v1::IntentRow& row) {
  if (row.resent()) return true;
  // A row that was written before it was marked.
  for (const auto& event : row.events()) {
    if (event.reason() == kResentAfterDoubt) return true;
  }
  return false;
}

State EndOf(const record::v1::IntentRow& row, State to) {
  const bool not_sent = to == State::kWithheld || (to == State::kFailed && StateOf(row) == State::kPending);
  return not_sent && WasResent(row) ? State::kUnconfirmed : to;
}

bool MayMove(State from, State to) {
  switch (from) {
    case State::kPending:
      return to == State::kInFlight || to == State::kWithheld || to == State::kFailed ||
             to == State::kPending || to == State::kUnconfirmed;
    case State::kInFlight:
      return to == State::kSent || to == State::kFailed || to == State::kPending || to == State::kUnconfirmed;
    case State::kUnconfirmed:
      return to == State::kSent || to == State::kDelivered || to == State::kFailed || to == State::kPending ||
             to == State::kUnconfirmed;
    case State::kSent:
      return to == State::kDelivered || to == State::kFailed || to == State::kPending;
    case State::kFailed:
      return to == State::kDelivered || to == State::kSent || to == State::kFailed || to == State::kPending;
    case State::kDelivered:
    case State::kWithheld:
      return false;
  }
  return false;
}

void Move(record::v1::IntentRow& row, record::v1::TallyRow& tally, State to, std::string_view reason,
          int64_t now_us) {
  const State from = StateOf(row);
  if (!MayMove(from, to)) {
    base::Log(base::LogLevel::kError, "intent.impossible_move",
              {{"from", static_cast<int64_t>(from)}, {"to", static_cast<int64_t>(to)}});
    std::abort();
  }
  Count(tally, from, row.reason(), -1);
  Count(tally, to, std::string(reason), +1);
  row.set_state(static_cast<int>(to));
  row.set_reason(std::string(reason));
  if (reason == kResentAfterDoubt) row.set_resent(true);
  AddEvent(row, to, reason, now_us);
}

void Enter(record::v1::IntentRow& row, record::v1::TallyRow& tally, int64_t now_us) {
  row.set_state(static_cast<int>(State::kPending));
  tally.set_intents(tally.intents() + 1);
  Count(tally, State::kPending, "", +1);
  AddEvent(row, State::kPending, "planned", now_us);
}

bool IsStronger(int receipt, int than) {
  return Rank(receipt) > Rank(than);
}

Settled Settle(const record::v1::IntentRow& row) {
  bool all_delivered = row.parts_size() > 0 && row.parts_size() >= row.expected_parts();
  int worst = 0;
  for (const auto& part : row.parts()) {
    const int rank = Rank(part.receipt());
    if (rank != 5) all_delivered = false;
    if (rank > 0 && rank < 5 && rank > Rank(worst)) worst = part.receipt();
  }
  if (all_delivered) return {State::kDelivered, ""};
  if (worst != 0) return {State::kFailed, internal::v1::ReceiptState_Name(static_cast<ReceiptState>(worst))};
  return {State::kSent, ""};
}

bool NothingArrived(const record::v1::IntentRow& row) {
  if (row.parts_size() == 0 || row.parts_size() < row.expected_parts()) return false;
  for (const auto& part : row.parts()) {
    if (Rank(part.receipt()) == 0 || part.receipt() == ReceiptState::DELIVERED) return false;
  }
  return true;
}

int64_t SumOf(const record::v1::TallyRow& tally) {
  int64_t sum = tally.pending() + tally.in_flight() + tally.sent() + tally.delivered() + tally.unconfirmed();
  for (const auto& [reason, count] : tally.failed()) sum += count;
  for (const auto& [reason, count] : tally.withheld()) sum += count;
  return sum;
}

}  // namespace pharos::dispatch
