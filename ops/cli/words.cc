#include "ops/cli/words.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <vector>

#include "fmt/format.h"
#include "ops/cli/args.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

const std::map<std::string, std::string, std::less<>>& Reasons() {
  static const auto* reasons = new std::map<std::string, std::string, std::less<>>{
      {"DECEASED", "the person has died"},
      {"ENDPOINT_SUPPRESSED", "the number is suppressed (bounced, complained about, wrong person or erased)"},
      {"PAUSED", "a sensitive event: this person is not to be disturbed"},
      {"OPTED_OUT", "opted out"},
      {"OBJECTED", "objected to this purpose"},
      {"NO_CONSENT", "no consent is in force for this purpose"},
      {"NO_ENDPOINT", "no mobile number or address for these channels"},
      {"ALLOW", "the message may go"},
      {"HOLDOUT", "kept back for comparison"},
      {"DUPLICATE_PERSON", "the same person already gets this message"},
      {"DUPLICATE_ENDPOINT", "this number already gets this message"},
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
  if (state == "INTENT_DELIVERED") return "on the phone";
  if (state == "FAILED") return "failed";
  if (state == "UNCONFIRMED") return "in doubt: it may have been sent, so it is not sent again";
  if (state == "WITHHELD") return "not sent";
  return base::LowerAscii(state);
}

}  // namespace pharos::cli
