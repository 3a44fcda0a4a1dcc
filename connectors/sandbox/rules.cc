#include "connectors/sandbox/rules.h"

#include <string>

#include "connectors/sandbox/timing.h"
#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr int64_t kSlowReceiptUs = 5'000'000;
constexpr int64_t kLatestReplyUs = 2'000'000;

bool Chosen(uint64_t seed, std::string_view what, std::string_view number, double percent) {
  return static_cast<double>(Hash(seed, what, number) % 100'000) < percent * 1000;
}

}  // namespace

std::string CanonicalNumber(std::string_view number) {
  if (!number.empty() && number[0] == '+') return std::string(number.substr(1));
  if (!number.empty() && number[0] == '0') return "44" + std::string(number.substr(1));
  return std::string(number);
}

namespace {

void ApplyMagic(int number, Fate& fate) {
  switch (number) {
    case 1:
      fate.status = smpp::kInvalidDestination;
      break;
    case 2:
      fate.state = smpp::MessageState::kUndeliverable;
      break;
    case 3:
      fate.state = smpp::MessageState::kExpired;
      break;
    case 4:
      fate.receipts = 0;
      break;
    case 5:
      fate.stop_after_us = 0;
      break;
    case 6:
      fate.receipt_after_us = kSlowReceiptUs;
      break;
    case 7:
      fate.throttled_first = true;
      break;
    case 8:
      fate.receipts = 2;
      break;
    case 9:
      fate.receipt_first = true;
      break;
    default:
      break;
  }
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (static_cast<unsigned char>(c) & 0x80) != 0;
}

// "full", "full.17", not "fuller".
bool IsMagic(std::string_view local, std::string_view word) {
  return local.substr(0, word.size()) == word &&
         (local.size() == word.size() || !IsLetter(local[word.size()]));
}

bool ApplyMagicAddress(std::string_view local, MailFate& fate) {
  if (IsMagic(local, "bounce-hard")) {
    fate.rejected = true;
  } else if (IsMagic(local, "bounce-late")) {
    fate.dsn_status = "5.1.1";
  } else if (IsMagic(local, "full")) {
    fate.dsn_status = "5.2.2";
  } else if (IsMagic(local, "defer-once")) {
    fate.deferred_first = true;
  } else if (IsMagic(local, "unsubscribe")) {
    fate.unsubscribe_after_us = 0;
  } else if (IsMagic(local, "silent-drop")) {
    fate.silent = true;
  } else {
    return false;
  }
  return true;
}

}  // namespace

const char kMagicNumbers[] =
    "Magic numbers (07700 900000-900999; the others in it are delivered):\n"
    "  07700 900001  rejected at submit, ESME_RINVDSTADR\n"
    "  07700 900002  fails for good, receipt UNDELIV\n"
    "  07700 900003  fails for now, receipt EXPIRED\n"
    "  07700 900004  never any receipt\n"
    "  07700 900005  replies STOP at once (once for each run)\n"
    "  07700 900006  slow receipt, 5 s\n"
    "  07700 900007  throttled first, then accepted\n"
    "  07700 900008  the receipt comes twice\n"
    "  07700 900009  the receipt comes before the answer to the submission\n";

const char kMagicAddresses[] =
    "Magic mail addresses (any domain; \"full.17@...\" is one, \"fuller@...\" is not):\n"
    "  bounce-hard@  rejected at RCPT, 550 5.1.1\n"
    "  bounce-late@  accepted, then a DSN 5.1.1\n"
    "  full@         accepted, then a DSN 5.2.2\n"
    "  defer-once@   451 at RCPT once, then accepted\n"
    "  unsubscribe@  mails to the List-Unsubscribe address at once (once for each run)\n"
    "  silent-drop@  recorded as accepted, the connection is cut instead of an answer\n";

Fate FateOf(std::string_view given, const Rules& rules) {
  std::string number = CanonicalNumber(given);
  Fate fate;
  fate.receipt_after_us = rules.receipt_delay_us;
  constexpr std::string_view kDrama = "447700900";
  if (number.size() == 12 && number.compare(0, kDrama.size(), kDrama) == 0) {
    int last = 0;
    for (char c : number.substr(9)) last = last * 10 + (c - '0');
    ApplyMagic(last, fate);
    return fate;
  }
  if (Chosen(rules.seed, "fail", number, rules.fail_percent)) fate.state = smpp::MessageState::kUndeliverable;
  if (Chosen(rules.seed, "stop", number, rules.reply_stop_percent))
    fate.stop_after_us = static_cast<int64_t>(Hash(rules.seed, "when", number) % (kLatestReplyUs + 1));
  return fate;
}

MailFate MailFateOf(std::string_view given, const Rules& rules) {
  std::string address = base::LowerAscii(given);
  MailFate fate;
  fate.dsn_after_us = rules.receipt_delay_us;
  if (ApplyMagicAddress(std::string_view(address).substr(0, address.rfind('@')), fate)) return fate;
  if (Chosen(rules.seed, "fail", address, rules.fail_percent)) fate.dsn_status = "5.1.1";
  if (Chosen(rules.seed, "stop", address, rules.reply_stop_percent))
    fate.unsubscribe_after_us =
        static_cast<int64_t>(Hash(rules.seed, "when", address) % (kLatestReplyUs + 1));
  return fate;
}

}  // namespace pharos::sandbox
