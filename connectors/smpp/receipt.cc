#include "connectors/smpp/receipt.h"

#include <algorithm>
#include <ctime>
#include <vector>

#include "services/base/text.h"
#include "services/content/sms_text.h"

namespace pharos::smpp {
namespace {

enum Field { kId, kSub, kDlvrd, kSubmitDate, kDoneDate, kStat, kErr, kText, kFields };

struct Label {
  std::string_view word;
  Field field;
};
// Longer words first. Between two words of one label may stand a space, '-', '_' or nothing.
constexpr Label kLabels[] = {{"message id", kId},
                             {"messageid", kId},
                             {"msg id", kId},
                             {"msgid", kId},
                             {"id", kId},
                             {"sub", kSub},
                             {"dlvrd", kDlvrd},
                             {"delivered", kDlvrd},
                             {"submit date", kSubmitDate},
                             {"submitdate", kSubmitDate},
                             {"done date", kDoneDate},
                             {"donedate", kDoneDate},
                             {"status", kStat},
                             {"state", kStat},
                             {"stat", kStat},
                             {"error code", kErr},
                             {"errorcode", kErr},
                             {"error", kErr},
                             {"err", kErr},
                             {"text", kText},
                             {"txt", kText}};

struct Found {
  size_t label, value;
  Field field;
};

bool Parts(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ';' || c == '|' || c == '\0';
}

// Where the value begins if `lower` has that label at `at`; npos if not.
size_t ValueBehind(const std::string& lower, size_t at, std::string_view word) {
  for (char c : word) {
    if (at >= lower.size()) return std::string::npos;
    bool joint = c == ' ' && (lower[at] == '-' || lower[at] == '_');
    if (lower[at] != c && !joint) return std::string::npos;
    ++at;
  }
  while (at < lower.size() && lower[at] == ' ') ++at;
  return at < lower.size() && (lower[at] == ':' || lower[at] == '=') ? at + 1 : std::string::npos;
}

// Labels stand at the start or behind something that parts fields; "text:" ends the search, for people's
// words follow it.
std::vector<Found> FindLabels(const std::string& lower) {
  std::vector<Found> found;
  for (size_t at = 0; at < lower.size(); ++at) {
    if (at > 0 && !Parts(lower[at - 1])) continue;
    for (const auto& label : kLabels) {
      size_t value = ValueBehind(lower, at, label.word);
      if (value == std::string::npos) continue;
      found.push_back({at, value, label.field});
      if (label.field == kText) return found;
      break;
    }
  }
  return found;
}

bool Digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Digits of a date from the year on; 0 if it is none.
int64_t DateOf(std::string_view text, size_t year_digits) {
  auto two = [&](size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  std::tm tm{};
  tm.tm_year = year_digits == 4 ? two(0) * 100 + two(2) - 1900 : 100 + two(0);
  size_t at = year_digits;
  tm.tm_mon = two(at) - 1;
  tm.tm_mday = two(at + 2);
  tm.tm_hour = two(at + 4);
  tm.tm_min = two(at + 6);
  tm.tm_sec = text.size() >= at + 10 ? two(at + 8) : 0;
  if (tm.tm_year < 0 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
      tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
    return 0;
  return int64_t{timegm(&tm)} * 1'000'000;
}

// YYMMDDhhmm, YYMMDDhhmmss, YYYYMMDDhhmm or YYYYMMDDhhmmss, with or without marks between.
int64_t ReadDate(std::string_view written) {
  std::string text;
  for (char c : written) {
    if (c >= '0' && c <= '9')
      text.push_back(c);
    else if (c != '-' && c != '/' && c != ':' && c != ' ' && c != 'T' && c != '.')
      return 0;
  }
  if (text.size() == 10) return DateOf(text, 2);
  if (text.size() == 14) return DateOf(text, 4);
  if (text.size() != 12) return 0;
  int64_t date = DateOf(text, 2);
  return date != 0 ? date : DateOf(text, 4);
}

bool IsNoError(std::string_view error) {
  return std::all_of(error.begin(), error.end(), [](char c) { return c == '0'; });
}

std::string_view FirstWord(std::string_view value) {
  value = base::TrimAscii(value);
  size_t end = 0;
  while (end < value.size() && !Parts(value[end])) ++end;
  value = value.substr(0, end);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
    value = value.substr(1, value.size() - 2);
  return value;
}

// Providers' words are short; what stands there instead of one may be anything, a person's words among it.
constexpr size_t kMostWord = 24;

std::string WordOnly(std::string_view value) {
  std::string word;
  for (char c : value.substr(0, kMostWord)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '-' && c != '_') break;
    word.push_back(c);
  }
  return word;
}

std::string WithoutNul(std::string_view value) {
  return std::string(base::TrimAscii(value.substr(0, value.find('\0'))));
}

void ApplyTlvs(const Pdu& pdu, DeliveryReceipt& receipt) {
  if (auto* tlv = pdu.Find(kReceiptedMessageId)) {
    auto id = WithoutNul(tlv->value);
    if (!id.empty()) receipt.id = id;
  }
  if (auto* tlv = pdu.Find(kMessageState); tlv && tlv->value.size() == 1) {
    const int state = static_cast<uint8_t>(tlv->value[0]);
    if (state >= 1 && state <= 8)
      receipt.state = static_cast<MessageState>(state);
    else if (receipt.word.empty())
      receipt.word = std::to_string(state);  // SMPP 5.0 has two more
  }
  if (auto* tlv = pdu.Find(kUserMessageReference)) {
    if (tlv->value.size() == 2) receipt.reference = uint8_t(tlv->value[0]) << 8 | uint8_t(tlv->value[1]);
    if (tlv->value.size() == 1) receipt.reference = uint8_t(tlv->value[0]);
  }
  if (auto* tlv = pdu.Find(kNetworkErrorCode); tlv && tlv->value.size() == 3) {
    int code = uint8_t(tlv->value[1]) << 8 | uint8_t(tlv->value[2]);
    if (code != 0) receipt.error = std::to_string(code);
  }
}

struct StateWord {
  std::string_view begins;
  MessageState state;
};
// By how the word begins: the standard's seven letters, and the spellings seen beside them.
constexpr StateWord kWords[] = {
    {"deliv", MessageState::kDelivered},     {"dlvrd", MessageState::kDelivered},
    {"undel", MessageState::kUndeliverable}, {"undlv", MessageState::kUndeliverable},
    {"fail", MessageState::kUndeliverable},  {"expir", MessageState::kExpired},
    {"delet", MessageState::kDeleted},       {"cancel", MessageState::kDeleted},
    {"accep", MessageState::kAccepted},      {"ackd", MessageState::kAccepted},
    {"acked", MessageState::kAccepted},      {"unkn", MessageState::kUnknown},
    {"rejec", MessageState::kRejected},      {"blocked", MessageState::kRejected},
    {"enrou", MessageState::kEnRoute},       {"en_rou", MessageState::kEnRoute},
    {"buff", MessageState::kEnRoute},        {"queue", MessageState::kEnRoute},
    {"sched", MessageState::kEnRoute},       {"pend", MessageState::kEnRoute},
    {"submit", MessageState::kEnRoute},      {"sent", MessageState::kEnRoute}};

}  // namespace

MessageState StateNamed(std::string_view word) {
  std::string lower = base::LowerAscii(word);
  if (Digits(lower) && lower.size() <= 3) {
    int number = std::stoi(lower);
    return number >= 1 && number <= 8 ? static_cast<MessageState>(number) : MessageState::kNone;
  }
  for (const auto& known : kWords)
    if (lower.starts_with(known.begins)) return known.state;
  return MessageState::kNone;
}

DeliveryReceipt ReadReceiptText(std::string_view text) {
  std::string lower = base::LowerAscii(text);
  auto found = FindLabels(lower);
  std::string_view values[kFields];
  for (size_t i = 0; i < found.size(); ++i) {
    size_t end = i + 1 < found.size() ? found[i + 1].label : text.size();
    auto value = base::TrimAscii(text.substr(found[i].value, end - found[i].value));
    while (!value.empty() && Parts(value.back())) value.remove_suffix(1);
    if (values[found[i].field].empty()) values[found[i].field] = value;
  }
  DeliveryReceipt receipt;
  receipt.id = receipt.text_id = std::string(FirstWord(values[kId]));
  receipt.state = StateNamed(FirstWord(values[kStat]));
  if (receipt.state == MessageState::kNone) receipt.word = WordOnly(FirstWord(values[kStat]));
  auto error = FirstWord(values[kErr]);
  receipt.error = IsNoError(error) ? "" : std::string(error);
  receipt.done_time_us = ReadDate(values[kDoneDate]);
  return receipt;
}

bool IsReceipt(const Pdu& pdu) {
  int kind = pdu.esm_class & 0x3C;
  if (kind == 0x04 || kind == 0x20) return true;  // final, intermediate
  return pdu.Find(kReceiptedMessageId) || pdu.Find(kMessageState);
}

std::optional<DeliveryReceipt> ReadReceipt(const Pdu& pdu) {
  std::string_view text = pdu.Text();
  TakeHeader(pdu.esm_class, text);
  std::string narrow;
  if (pdu.data_coding == 8) text = narrow = content::DecodeUcs2(text);
  DeliveryReceipt receipt = ReadReceiptText(text);
  ApplyTlvs(pdu, receipt);
  if (receipt.id.empty() && receipt.reference < 0) return std::nullopt;
  if (receipt.state != MessageState::kNone) return receipt;
  const bool passing = (pdu.esm_class & 0x3C) == 0x20;  // says at least that it is on its way
  receipt.state = passing ? MessageState::kEnRoute : MessageState::kUnknown;
  if (!receipt.word.empty())
    receipt.error = receipt.error.empty() ? receipt.word : receipt.word + " " + receipt.error;
  return receipt;
}

}  // namespace pharos::smpp
