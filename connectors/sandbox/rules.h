// What becomes of a message in the sandbox, and who answers it: by magic number, else by seeded rule. Pure
// and deterministic: the same seed and number give the same fate.
//
// Magic numbers of Ofcom's drama range, 07700 900000–900999 (all others in it are delivered, like any
// number):
//   900001  rejected at submit: ESME_RINVDSTADR (0x0B)
//   900002  fails for good: receipt UNDELIV
//   900003  fails for now: receipt EXPIRED
//   900004  never any receipt
//   900005  replies STOP at once (once for each run of the sandbox)
//   900006  slow receipt: 5 s
//   900007  throttled first: ESME_RTHROTTLED (0x58) once, then accepted
//   900008  the receipt comes twice
//   900009  the receipt comes before the answer to the submission
// --reply-stop-percent and --fail-percent do not touch the numbers of this range.
#pragma once

#include <cstdint>
#include <string_view>

#include "connectors/smpp/receipt.h"

namespace pharos::sandbox {

struct Rules {
  uint64_t seed = 1;
  int64_t receipt_delay_us = 50'000;
  double reply_stop_percent = 0;  // of numbers: reply STOP once, 0–2 s after their first message
  double fail_percent = 0;        // of numbers: receipt UNDELIV
};

struct Fate {
  uint32_t status = 0;  // of the answer to the submission
  bool throttled_first = false;
  smpp::MessageState state = smpp::MessageState::kDelivered;
  int receipts = 1;  // how many times it comes
  int64_t receipt_after_us = 0;
  bool receipt_first = false;  // before the answer
  int64_t stop_after_us = -1;  // replies STOP so long after its first message; -1 = never
};

// `number` with or without '+', or with a leading 0 for 44.
Fate FateOf(std::string_view number, const Rules& rules);

// The table above, for --help.
extern const char kMagicNumbers[];

}  // namespace pharos::sandbox
