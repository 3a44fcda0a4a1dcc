#include "connectors/smpp/receipt.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "services/base/text.h"

namespace pharos::smpp {
namespace {

enum Field { kId, kSub, kDelivered, kSubmitDate, kDoneDate, kStat, kErr, kText, kFields };

struct Label {
  std::string_view word;
  Field field;
};
constexpr Label kLabels[] = {{"id:", kId},
                             {"sub:", kSub},
                             {"dlvrd:", kDelivered},
                             {"submit date:", kSubmitDate},
                             {"submitdate:", kSubmitDate},
                             {"done date:", kDoneDate},
                             {"donedate:", kDoneDate},
                             {"stat:", kStat},
                             {"err:", kErr},
                             {"text:", kText}};

struct Found {
  size_t label, value;
  Field field;
};

// Labels stand at the start or behind a space; "text:" ends the search, for people's words follow it.
std::vector<Found> FindLabels(const std::string& lower) {
  std::vector<Found> found;
  for (size_t at = 0; at < lower.size(); ++at) {
    if (at > 0 && lower[at - 1] != ' ') continue;
    for (const auto& label : kLabels)
      if (lower.compare(at, label.word.size(), label.word) == 0) {
        found.push_back({at, at + label.word.size(), label.field});
        if (label.field == kText) return found;
        break;
      }
  }
  return found;
}

// YYMMDDhhmm, YYMMDDhhmmss or YYYYMMDDhhmmss.
int64_t ReadDate(std::string_view text) {
  if (text.size() != 10 && text.size() != 12 && text.size() != 14) return 0;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return 0;
  auto two = [&](size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  size_t at = text.size() == 14 ? 2 : 0;
  std::tm tm{};
  tm.tm_year = text.size() == 14 ? two(0) * 100 + two(2) - 1900 : 100 + two(0);
  tm.tm_mon = two(at + 2) - 1;
  tm.tm_mday = two(at + 4);
  tm.tm_hour = two(at + 6);
  tm.tm_min = two(at + 8);
  tm.tm_sec = text.size() >= 12 ? two(at + 10) : 0;
  return int64_t{timegm(&tm)} * 1'000'000;
}

bool IsNoError(std::string_view error) {
  return std::all_of(error.begin(), error.end(), [](char c) { return c == '0'; });
}

std::string WithoutNul(std::string_view value) {
  return std::string(base::TrimAscii(value.substr(0, value.find('\0'))));
}

void ApplyTlvs(const Pdu& pdu, DeliveryReceipt& receipt) {
  if (auto* tlv = pdu.Find(kReceiptedMessageId)) {
    auto id = WithoutNul(tlv->value);
    if (!id.empty()) receipt.id = id;
  }
  if (auto* tlv = pdu.Find(kMessageState);
      tlv && tlv->value.size() == 1 && tlv->value[0] >= 1 && tlv->value[0] <= 8)
    receipt.state = static_cast<MessageState>(tlv->value[0]);
  if (auto* tlv = pdu.Find(kUserMessageReference)) {
    if (tlv->value.size() == 2) receipt.reference = uint8_t(tlv->value[0]) << 8 | uint8_t(tlv->value[1]);
    if (tlv->value.size() == 1) receipt.reference = uint8_t(tlv->value[0]);
  }
  if (auto* tlv = pdu.Find(kNetworkErrorCode); tlv && tlv->value.size() == 3 && receipt.error.empty()) {
    int code = uint8_t(tlv->value[1]) << 8 | uint8_t(tlv->value[2]);
    if (code != 0) receipt.error = std::to_string(code);
  }
}

}  // namespace

MessageState StateNamed(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, MessageState>, 12> kWords = {
      {{"enroute", MessageState::kEnRoute},
       {"delivrd", MessageState::kDelivered},
       {"delivered", MessageState::kDelivered},
       {"expired", MessageState::kExpired},
       {"deleted", MessageState::kDeleted},
       {"undeliv", MessageState::kUndeliverable},
       {"failed", MessageState::kUndeliverable},
       {"acceptd", MessageState::kAccepted},
       {"accepted", MessageState::kAccepted},
       {"unknown", MessageState::kUnknown},
       {"rejectd", MessageState::kRejected},
       {"rejected", MessageState::kRejected}}};
  std::string lower = base::LowerAscii(word);
  for (const auto& [name, state] : kWords)
    if (lower == name) return state;
  return MessageState::kNone;
}

DeliveryReceipt ReadReceiptText(std::string_view text) {
  std::string lower = base::LowerAscii(text);
  auto found = FindLabels(lower);
  std::array<std::string_view, kFields> values{};
  for (size_t i = 0; i < found.size(); ++i) {
    size_t end = i + 1 < found.size() ? found[i + 1].label : text.size();
    auto value = base::TrimAscii(text.substr(found[i].value, end - found[i].value));
    if (auto nul = value.find('\0'); nul != std::string_view::npos) value = value.substr(0, nul);
    if (values[found[i].field].empty()) values[found[i].field] = value;
  }
  DeliveryReceipt receipt;
  receipt.id = std::string(values[kId]);
  receipt.state = StateNamed(values[kStat]);
  receipt.error = IsNoError(values[kErr]) ? "" : std::string(values[kErr]);
  receipt.done_time_us = ReadDate(values[kDoneDate]);
  return receipt;
}

bool IsReceipt(const Pdu& pdu) {
  int kind = pdu.esm_class & 0x3C;
  if (kind == 0x04 || kind == 0x20) return true;  // final, intermediate
  return pdu.Find(kReceiptedMessageId) && pdu.Find(kMessageState);
}

std::optional<DeliveryReceipt> ReadReceipt(const Pdu& pdu) {
  std::string_view text = pdu.Text();
  TakeHeader(pdu.esm_class, text);
  DeliveryReceipt receipt = ReadReceiptText(text);
  ApplyTlvs(pdu, receipt);
  if (receipt.id.empty() && receipt.reference < 0) return std::nullopt;
  if (receipt.state == MessageState::kNone) return std::nullopt;
  return receipt;
}

}  // namespace pharos::smpp
