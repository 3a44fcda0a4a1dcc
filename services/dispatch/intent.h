// An intent's life: one transition table, and the rule that turns receipts into a state. Pure.
//
//   PENDING → IN_FLIGHT | WITHHELD | FAILED | PENDING | UNCONFIRMED
//       a permit and SUBMITTING on disk; a rule said no; or on the next channel; UNCONFIRMED: a rule said no
//       to sending it again after a doubt (EndOf)
//   IN_FLIGHT → SENT | FAILED | PENDING | UNCONFIRMED
//   UNCONFIRMED → SENT | DELIVERED | FAILED | PENDING | UNCONFIRMED
//       settled by the same connector life, or by a receipt; UNCONFIRMED: it will not be sent again, and why
//   SENT → DELIVERED | FAILED | PENDING
//       by receipt; PENDING: on the next channel, after a known failure
//   FAILED → DELIVERED | SENT | PENDING
//       a receipt for EXPIRED may be followed by one for DELIVERED (SENT: other parts are still unheard of);
//       the last part failed, too
//   DELIVERED, WITHHELD: final
#pragma once

#include <string>
#include <string_view>

#include "pharos/record/v1/dispatch.pb.h"

namespace pharos::dispatch {

// As pharos.dispatch.v1.IntentState.
enum class State : int {
  kPending = 1,
  kInFlight = 2,
  kSent = 3,
  kDelivered = 4,
  kFailed = 5,
  kUnconfirmed = 6,
  kWithheld = 7,
};

inline constexpr int kMaxEvents = 32;  // of a row; the oldest but the first go
inline constexpr int kMaxAttempts =
    200;  // hand-overs that the provider definitely refused (throttling), then FAILED

// A message in doubt was sent again, because its campaign prefers a duplicate to a miss.
inline constexpr char kResentAfterDoubt[] = "RESENT_AFTER_DOUBT";

State StateOf(const record::v1::IntentRow& row);
// An earlier attempt is still in doubt: it may yet turn out to have been accepted, by the connector that had
// it.
bool WasResent(const record::v1::IntentRow& row);
// Where a move to `to` ends. What was to be sent again after a doubt and then is not (WITHHELD, or FAILED
// before it was handed over) is UNCONFIRMED: nobody knows of the first attempt that it did not arrive.
State EndOf(const record::v1::IntentRow& row, State to);
bool MayMove(State from, State to);

// Moves the row and the tally together. A move that the table does not have is a broken invariant and stops
// the process.
void Move(record::v1::IntentRow& row, record::v1::TallyRow& tally, State to, std::string_view reason,
          int64_t now_us);
// Adds a new row to the tally, PENDING.
void Enter(record::v1::IntentRow& row, record::v1::TallyRow& tally, int64_t now_us);

// What the parts' receipts mean together. The strongest receipt of a part counts, so that the state is a
// function of the set of receipts, whatever their order: DELIVERED > UNDELIVERABLE > REJECTED_LATER > EXPIRED
// > DELETED > the rest.
struct Settled {
  State state = State::kSent;
  std::string reason;
};
// Every part is known and reported as not arrived: another channel may try.
bool NothingArrived(const record::v1::IntentRow& row);
bool IsStronger(int receipt, int than);  // pharos.dispatch.internal.v1.ReceiptState
Settled Settle(const record::v1::IntentRow& row);

// Sum of a tally's terms: always = intents.
int64_t SumOf(const record::v1::TallyRow& tally);

}  // namespace pharos::dispatch
