#include "connectors/sandbox/notify_rules.h"

#include <algorithm>

#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

// FNV-1a with a last stir: the same on every machine.
uint64_t Hash(uint64_t seed, std::string_view what, std::string_view recipient) {
  uint64_t h = 1469598103934665603ULL ^ (seed * 0x9E3779B97F4A7C15ULL);
  for (std::string_view part : {what, recipient})
    for (unsigned char c : part) h = (h ^ c) * 1099511628211ULL;
  h ^= h >> 33;
  h *= 0xFF51AFD7ED558CCDULL;
  return h ^ (h >> 33);
}

bool Chosen(uint64_t seed, std::string_view what, std::string_view recipient, double percent) {
  return static_cast<double>(Hash(seed, what, recipient) % 100'000) < percent * 1000;
}

struct Magic {
  std::string_view number, word;
  NotifyFault fault;
};
constexpr Magic kFaults[] = {
    {"447700900040", "error-after", NotifyFault::kErrorAfter},
    {"447700900041", "cut-after", NotifyFault::kCutAfter},
    {"447700900042", "cut-before", NotifyFault::kCutBefore},
    {"447700900043", "error-before", NotifyFault::kErrorBefore},
    {"447700900044", "slow", NotifyFault::kSlow},
    {"447700900045", "too-fast", NotifyFault::kTooFast},
    {"447700900046", "silent", NotifyFault::kSilent},
};
constexpr std::string_view kSmoke[] = {"447700900000",
                                       "447700900111",
                                       "447700900222",
                                       "simulate-delivered@notifications.service.gov.uk",
                                       "simulate-delivered-2@notifications.service.gov.uk",
                                       "simulate-delivered-3@notifications.service.gov.uk"};

bool ApplyMagic(std::string_view to, NotifyFate& fate) {
  std::string_view word = to.substr(0, to.find('@'));
  if (std::find(std::begin(kSmoke), std::end(kSmoke), to) != std::end(kSmoke)) {
    fate.smoke = true;
  } else if (to == "447700900003" || to == "temp-fail@simulator.notify") {
    fate.status = "temporary-failure";
  } else if (to == "447700900002" || to == "perm-fail@simulator.notify") {
    fate.status = "permanent-failure";
  } else if (to == "447700900047" || word == "no-status") {
    fate.no_status = true;
  } else {
    for (const Magic& magic : kFaults)
      if (to == magic.number || word == magic.word) fate.fault = magic.fault;
    return fate.fault != NotifyFault::kNone || to.substr(0, 9) == "447700900";
  }
  return true;
}

}  // namespace

const char kNotifyMagic[] =
    "Recipients of the simulated GOV.UK Notify:\n"
    "  07700 900003, temp-fail@simulator.notify  temporary-failure\n"
    "  07700 900002, perm-fail@simulator.notify  permanent-failure\n"
    "  07700 900000/111/222, simulate-delivered{,-2,-3}@notifications.service.gov.uk  nothing is kept\n"
    "  07700 900040-47; error-after@ cut-after@ cut-before@ error-before@ slow@ too-fast@ silent@ no-status@ "
    " faults\n";

NotifyFate NotifyFateOf(std::string_view to, const Rules& rules, double fault_percent) {
  NotifyFate fate;
  fate.after_us = rules.receipt_delay_us;
  if (ApplyMagic(to, fate)) return fate;
  if (Chosen(rules.seed, "notify-fail", to, rules.fail_percent)) fate.status = "permanent-failure";
  if (Chosen(rules.seed, "notify-fault", to, fault_percent))
    fate.fault = kFaults[Hash(rules.seed, "notify-which", to) % std::size(kFaults)].fault;
  return fate;
}

std::string NotifyNumber(std::string_view given) {
  std::string digits;
  for (char c : given) {
    if (c >= '0' && c <= '9')
      digits += c;
    else if (c != ' ' && c != '-' && c != '(' && c != ')' && !(c == '+' && digits.empty()))
      return "";
  }
  if (digits.substr(0, 2) == "00") digits.erase(0, 2);
  if (!digits.empty() && digits[0] == '0') digits = "44" + digits.substr(1);
  return digits.size() >= 8 && digits.size() <= 15 ? digits : "";
}

std::string NotifyAddress(std::string_view given) {
  std::string lower = base::LowerAscii(base::TrimAscii(given));
  size_t at = lower.find('@');
  bool good = at != std::string::npos && at > 0 && lower.find('.', at) != std::string::npos &&
              lower.back() != '.' && lower.find_first_of(" \r\n\t,;<>") == std::string::npos &&
              lower.find('@', at + 1) == std::string::npos;
  return good ? lower : "";
}

}  // namespace pharos::sandbox
