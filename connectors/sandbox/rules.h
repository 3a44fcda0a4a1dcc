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
//
// Magic mail addresses, of any domain: the part before the @ is one of these words, or goes on after it with
// anything but a letter ("full", "full.17@…"; not "fuller@…"):
//   bounce-hard   rejected at RCPT, 550 5.1.1
//   bounce-late   accepted, then a DSN 5.1.1
//   full          accepted, then a DSN 5.2.2
//   defer-once    451 4.2.1 at RCPT once (for each run of the sandbox), then accepted
//   unsubscribe   mails to the List-Unsubscribe address at once (once for each run)
//   silent-drop   recorded as accepted, and the connection is cut instead of an answer
// Other addresses: --fail-percent of them get a DSN 5.1.1, --reply-stop-percent of them unsubscribe once, 0–2
// s after their first message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/smpp/receipt.h"

namespace pharos::sandbox {

struct Rules {
  uint64_t seed = 1;
  int64_t receipt_delay_us = 50'000;
  double reply_stop_percent = 0;  // of numbers and addresses: STOP once, 0–2 s after their first message
  double fail_percent = 0;        // of numbers: receipt UNDELIV; of addresses: a DSN
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

// Digits with the country in front: without '+', 44 for a leading 0.
std::string CanonicalNumber(std::string_view number);
// `number` with or without '+', or with a leading 0 for 44.
Fate FateOf(std::string_view number, const Rules& rules);

struct MailFate {
  bool rejected = false;        // at RCPT, for good
  bool deferred_first = false;  // at RCPT, once
  std::string_view dsn_status;  // of the report that comes later; "" = none
  int64_t dsn_after_us = 0;
  int64_t unsubscribe_after_us = -1;  // after its first message; -1 = never
  bool silent = false;                // cut instead of answered
};

// `address` in any case.
MailFate MailFateOf(std::string_view address, const Rules& rules);

// The tables above, for --help.
extern const char kMagicNumbers[];
extern const char kMagicAddresses[];

}  // namespace pharos::sandbox
