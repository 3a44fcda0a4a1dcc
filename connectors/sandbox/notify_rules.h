// What becomes of a message in the simulated GOV.UK Notify. Pure and deterministic, as in rules.h.
//
// Recipients (https://docs.notifications.service.gov.uk/rest-api.html#testing; the provider's own for test
// keys):
//   07700 900003, temp-fail@simulator.notify   temporary-failure
//   07700 900002, perm-fail@simulator.notify   permanent-failure
//   any other                                  delivered; --fail-percent of them permanent-failure
//   07700 900000, 900111, 900222, simulate-delivered{,-2,-3}@notifications.service.gov.uk
//       smoke recipients: an id that nobody knows, nothing is kept, no callback
// Ours, once for each recipient and run; for addresses the word before the @:
//   07700 900040, error-after@      kept, and the answer is 500
//   07700 900041, cut-after@        kept, and the connection is cut instead of an answer
//   07700 900042, cut-before@       the connection is cut before anything is kept
//   07700 900043, error-before@     500, nothing is kept
//   07700 900044, slow@             the answer takes --notify-slow-ms
//   07700 900045, too-fast@         429 RateLimitError
//   07700 900046, silent@           kept, and never any answer
//   07700 900047, no-status@        stays "sending", no callback
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/sandbox/rules.h"

namespace pharos::sandbox {

enum class NotifyFault {
  kNone,
  kErrorAfter,
  kCutAfter,
  kCutBefore,
  kErrorBefore,
  kSlow,
  kTooFast,
  kSilent,
};

struct NotifyFate {
  std::string_view status = "delivered";  // after `after_us`; "sending" before
  int64_t after_us = 0;
  bool smoke = false;
  bool no_status = false;
  NotifyFault fault = NotifyFault::kNone;  // the first time only
};

// `recipient` as NotifyRecipient gives it. `fault_percent` of other recipients get one of the faults.
NotifyFate NotifyFateOf(std::string_view recipient, const Rules& rules, double fault_percent);

// A number as 447700900123, or an address in lower case; "" for what is none.
std::string NotifyNumber(std::string_view given);
std::string NotifyAddress(std::string_view given);

extern const char kNotifyMagic[];

}  // namespace pharos::sandbox
