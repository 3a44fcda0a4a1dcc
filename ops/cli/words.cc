#include "ops/cli/words.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <map>
#include <vector>

#include "fmt/format.h"
#include "ops/cli/args.h"
#include "ops/cli/output.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

const std::map<std::string, std::string, std::less<>>& Reasons() {
  static const auto* reasons = new std::map<std::string, std::string, std::less<>>{
      {"DECEASED", "the person has died"},
      {"ENDPOINT_SUPPRESSED",
       "the number or address is suppressed (bounced, complained about, wrong person or erased)"},
      {"PAUSED", "a sensitive event: this person is not to be disturbed"},
      {"OPTED_OUT", "opted out"},
      {"OBJECTED", "objected to this purpose"},
      {"NO_CONSENT", "no consent is in force for this purpose"},
      {"MAILBOX_FULL", "the mailbox is full"},
      {"NO_ENDPOINT", "no mobile number or address for these channels"},
      {"ALLOW", "the message may go"},
      {"HOLDOUT", "kept back for comparison"},
      {"DUPLICATE_PERSON", "the same person already gets this message"},
      {"DUPLICATE_ENDPOINT", "this number or address already gets this message"},
      {"PLACEHOLDER_EMPTY", "a value that the text needs is missing"},
      {"STOPPED", "the campaign was stopped"},
      {"EXPIRED", "it was too late to send or deliver"},
      {"UNDELIVERABLE", "the network could not deliver it"},
      {"REJECTED", "the provider refused it"}};
  return *reasons;
}

std::string Folded(std::string_view word) {
  std::string folded = base::LowerAscii(word);
  std::replace(folded.begin(), folded.end(), '_', '-');
  return folded;
}

}  // namespace

std::string Name(std::string_view collection, std::string_view word) {
  std::string prefix = std::string(collection) + "/";
  return word.empty() || word.substr(0, prefix.size()) == prefix ? std::string(word)
                                                                 : prefix + std::string(word);
}

std::string Short(std::string_view name) {
  return std::string(name.substr(name.rfind('/') + 1));
}

std::string EnumWord(const google::protobuf::EnumDescriptor* type, std::string_view prefix, int number) {
  const auto* value = type->FindValueByNumber(number);
  if (value == nullptr) return std::to_string(number);
  std::string_view name = value->name();
  if (name.substr(0, prefix.size()) == prefix) name.remove_prefix(prefix.size());
  return Folded(name);
}

absl::StatusOr<int> Enum(const google::protobuf::EnumDescriptor* type, std::string_view prefix,
                         std::string_view word) {
  std::vector<std::string> words;
  for (int i = 0; i < type->value_count(); ++i) {
    if (type->value(i)->number() == 0) continue;
    words.push_back(EnumWord(type, prefix, type->value(i)->number()));
    if (words.back() == Folded(word)) return type->value(i)->number();
  }
  std::string nearest = base::Nearest(Folded(word), words);
  return UsageError(fmt::format("\"{}\" is not one of: {}.{}", word, fmt::join(words, ", "),
                                nearest.empty() ? "" : fmt::format(" Did you mean {}?", nearest)));
}

std::string Time(int64_t micros) {
  if (micros == 0) return "at an unknown time";
  std::time_t seconds = micros / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

namespace {

// "+01:00" or "-0100" or "Z" in seconds; false if it is none of them.
bool ParseZone(std::string_view zone, int64_t& seconds) {
  seconds = 0;
  if (zone == "Z" || zone == "z") return true;
  std::string digits;
  for (char c : zone.substr(std::min<size_t>(1, zone.size())))
    if (c != ':') digits.push_back(c);
  if (zone.empty() || (zone[0] != '+' && zone[0] != '-') || digits.size() != 4 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return false;
  int number = std::atoi(digits.c_str());
  seconds = (number / 100 * 60 + number % 100) * 60;
  if (zone[0] == '-') seconds = -seconds;
  return number / 100 <= 14 && number % 100 < 60;
}

bool IsDay(const std::tm& given, std::time_t seconds) {
  std::tm back{};
  gmtime_r(&seconds, &back);
  return back.tm_mday == given.tm_mday && back.tm_mon == given.tm_mon;
}

}  // namespace

absl::StatusOr<int64_t> ParseTime(std::string_view given) {
  std::string text(given);
  std::tm parts{};
  const char* rest = nullptr;
  for (const char* form : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    parts = {};
    rest = strptime(text.c_str(), form, &parts);
    if (rest != nullptr) break;
  }
  int64_t zone = 0;
  bool date_only = rest != nullptr && text.size() == 10;
  bool ok = rest != nullptr && (date_only || ParseZone(rest, zone));
  std::tm shifted = parts;  // timegm makes 2 March of 30 February, in place
  std::time_t seconds = ok ? timegm(&shifted) : 0;
  if (!ok || !IsDay(parts, seconds)) {
    return UsageError(fmt::format(
        "\"{}\" is not a time. Write it as 2026-03-01T09:30:00Z or 2026-03-01T09:30+01:00.", text));
  }
  return (int64_t{seconds} - zone) * 1'000'000;
}

std::vector<std::string> CommaWords(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& word : base::Split(text, ','))
    if (!base::TrimAscii(word).empty()) words.emplace_back(base::TrimAscii(word));
  return words;
}

std::string ReasonInWords(std::string_view reason) {
  auto it = Reasons().find(reason);
  if (it != Reasons().end()) return it->second;
  std::string words = base::LowerAscii(reason);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string StateInWords(std::string_view state) {
  if (state == "PENDING") return "waiting for its turn";
  if (state == "IN_FLIGHT") return "being handed over";
  if (state == "SENT") return "accepted by the provider";
  if (state == "INTENT_DELIVERED") return "delivered";
  if (state == "FAILED") return "failed";
  if (state == "UNCONFIRMED") return "in doubt: it may have been sent, so it is not sent again";
  if (state == "WITHHELD") return "not sent";
  return base::LowerAscii(state);
}

std::string ProblemInWords(std::string_view problem) {
  static const auto* words = new std::map<std::string, std::string, std::less<>>{
      {"WRONG_PASSWORD", "the provider refused our password or key"},
      {"WRONG_ACCOUNT", "the provider refused our account"},
      {"BAD_CERTIFICATE", "the provider's certificate cannot be trusted"},
      {"TLS_REQUIRED", "the provider offers no TLS, which we insist on"},
      {"UNREACHABLE", "the provider cannot be reached"},
      {"NO_ANSWER", "the provider does not answer"},
      {"THROTTLED", "the provider slows us down"},
      {"BANNED", "the provider refuses everything we send"},
      {"PROTOCOL_ERROR", "the provider says what its protocol does not allow"},
      {"NOT_A_SANDBOX", "it is a real provider, and this is a trial"},
      {"DAILY_LIMIT", "the provider's limit for today is reached"},
      {"STARTING", "the link is being made"}};
  const auto at = words->find(problem);
  if (at != words->end()) return at->second;
  std::string plain(problem);
  for (char& c : plain) c = c == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return plain;
}

std::string Pounds(int64_t micropounds) {
  constexpr int64_t kMicropoundsOfPenny = 10'000;
  const int64_t pence = (micropounds + kMicropoundsOfPenny / 2) / kMicropoundsOfPenny;
  return fmt::format("£{}.{:02}", Thousands(pence / 100), pence % 100);
}

}  // namespace pharos::cli
