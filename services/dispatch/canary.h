// A step's canary: a first share of its messages goes out, then the rest waits until it is known how they
// were received. Pure rules over a CanaryRow.
//
//   SENDING → WAITING → PASSED | HELD        SENDING → HELD: a threshold is exceeded already
//   WAITING → SENDING: one goes back to be sent again        HELD → PASSED: a person resumes the campaign
//
// Row: `size` canary messages are planned and not withheld; `left` of them will not be handed over (any
// more): the provider accepted or refused them for good, or they are in doubt; `failed`, `complained`,
// `opted_out` are among those left.
#pragma once

#include <cstdint>
#include <string>

#include "pharos/record/v1/dispatch.pb.h"
#include "pharos/type/v1/manifest.pb.h"

namespace pharos::dispatch {

// As CanaryRow.phase. kNone: a row that was never written; without a canary everything may leave.
enum class CanaryPhase : int { kNone = 0, kSending = 1, kWaiting = 2, kPassed = 3, kHeld = 4 };

// Messages in the canary of a step of `members`: canary_permille of them, rounded up, at least one; 0 without
// a canary or members.
int64_t CanarySize(const type::v1::SendRules& rules, int64_t members);
// Whether the member at `position` (0 … members-1, in the pin's order) is in it: every (members/size)th, so
// that the canary is spread over the whole step, is the same whenever it is asked, and has exactly CanarySize
// members.
bool IsCanary(const type::v1::SendRules& rules, int64_t position, int64_t members);

// SENDING with that size; kPassed if it is 0.
record::v1::CanaryRow StartCanary(int64_t size);

// What happens to a canary message. Each is counted once per message: a message refused for good has kLeft
// and kFailed; a late receipt that turns FAILED into DELIVERED, or a fallback to another channel, has
// kNotFailed.
enum class CanaryEvent {
  kLeft,        // accepted, refused for good, or in doubt: it is no longer waiting to go
  kReturned,    // it was counted as left but goes back to PENDING (another channel, resent)
  kWithheld,    // a rule withheld it before it left: size is one less
  kFailed,      // for good, at once or by a receipt
  kNotFailed,   // after kFailed
  kComplained,  // reported as unwanted
  kOptedOut,    // a STOP or unsubscribe that answers it
};
void CountCanary(record::v1::CanaryRow& row, CanaryEvent event, int64_t now_us);

struct CanaryDecision {
  CanaryPhase phase = CanaryPhase::kNone;
  std::string verdict;        // HELD: in words, with what to do next; no personal data
  int64_t look_again_us = 0;  // WAITING: when the wait is over, microseconds since the epoch; else 0
};
// Where the canary is now. The caller writes it into the row (ApplyCanary) and, if it became HELD, holds the
// campaign. PASSED and HELD stay.
CanaryDecision DecideCanary(const record::v1::CanaryRow& row, const type::v1::SendRules& rules,
                            int64_t now_us);
// Writes phase and verdict. False: nothing changed.
bool ApplyCanary(record::v1::CanaryRow& row, const CanaryDecision& decision);
// A person has looked and lets the rest go: PASSED; the verdict stays for the record. False: it was not held.
bool ResumeCanary(record::v1::CanaryRow& row);

// Whether a message may leave in this phase: canary messages while SENDING (and in WAITING, one that came
// back), all when PASSED or without a canary, none while HELD.
bool MayLeave(CanaryPhase phase, bool is_canary);
CanaryPhase PhaseOf(const record::v1::CanaryRow& row);

}  // namespace pharos::dispatch
