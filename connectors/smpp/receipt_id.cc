#include "connectors/smpp/receipt_id.h"

#include <algorithm>

#include "services/base/text.h"

namespace pharos::smpp {
namespace {

constexpr size_t kRemembered = 200'000;  // answers: 20 s at 10,000 a second, hours at a usual rate; 12 MB

bool AllOf(std::string_view text, bool hex) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
  });
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return (c | 0x20) - 'a' + 10;
}

// By long division; both bases are at most 16.
std::optional<std::string> Convert(std::string_view text, int from, int to) {
  if (text.size() > kMostIdDigits || !AllOf(text, from == 16)) return std::nullopt;
  std::string digits;  // of the result, least first
  for (char c : text) {
    int carry = DigitOf(c);
    for (char& digit : digits) {
      carry += digit * from;
      digit = static_cast<char>(carry % to);
      carry /= to;
    }
    for (; carry > 0; carry /= to) digits.push_back(static_cast<char>(carry % to));
  }
  if (digits.empty()) digits.push_back(0);
  std::reverse(digits.begin(), digits.end());
  for (char& digit : digits) digit = "0123456789abcdef"[static_cast<size_t>(digit)];
  return digits;
}

}  // namespace

std::optional<ReceiptIdRule> ReceiptIdRuleNamed(std::string_view name) {
  if (name == "auto") return ReceiptIdRule::kAuto;
  if (name == "as-is") return ReceiptIdRule::kAsIs;
  if (name == "hex-to-dec") return ReceiptIdRule::kHexToDec;
  if (name == "dec-to-hex") return ReceiptIdRule::kDecToHex;
  return std::nullopt;
}

std::optional<std::string> HexToDecimal(std::string_view hex) {
  return Convert(hex, 16, 10);
}

std::optional<std::string> DecimalToHex(std::string_view decimal) {
  return Convert(decimal, 10, 16);
}

std::string FoldedId(std::string_view id) {
  std::string folded = base::LowerAscii(base::TrimAscii(id));
  if (folded.starts_with("0x") && AllOf(std::string_view(folded).substr(2), true)) folded.erase(0, 2);
  if (!AllOf(folded, true)) return folded;
  size_t zeros = std::min(folded.find_first_not_of('0'), folded.size() - 1);
  return folded.substr(zeros);
}

void ReceiptIds::Remember(const std::string& id) {
  uint64_t hash = std::hash<std::string>{}(id);
  if (!remembered_.insert(hash).second) return;
  order_.push_back(hash);
  if (order_.size() <= kRemembered) return;
  remembered_.erase(order_.front());
  order_.pop_front();
}

std::string ReceiptIds::OfAnswer(std::string_view id) {
  std::string trimmed(base::TrimAscii(id));
  if (trimmed.empty() || rule_ == ReceiptIdRule::kAsIs) return trimmed;
  std::string folded = FoldedId(trimmed);
  if (rule_ == ReceiptIdRule::kHexToDec) return HexToDecimal(folded).value_or(folded);
  if (rule_ == ReceiptIdRule::kDecToHex) return DecimalToHex(folded).value_or(folded);
  Remember(folded);
  return folded;
}

// Among the answers' ids, the likeliest form first.
std::optional<std::string> ReceiptIds::Look(std::string_view id) {
  struct Form {
    ReceiptIdRule rule;
    std::optional<std::string> id;
  };
  const std::string folded = FoldedId(id);
  Form forms[] = {{ReceiptIdRule::kAsIs, folded},
                  {ReceiptIdRule::kHexToDec, DecimalToHex(folded)},  // back into the answer's base
                  {ReceiptIdRule::kDecToHex, HexToDecimal(folded)}};
  auto try_form = [&](const Form& form) {
    if (!form.id || !Known(*form.id)) return false;
    learned_ = form.rule;
    return true;
  };
  for (const auto& form : forms)
    if (form.rule == learned_ && try_form(form)) return form.id;
  for (const auto& form : forms)
    if (form.rule != learned_ && try_form(form)) return form.id;
  return std::nullopt;
}

std::string ReceiptIds::Learned(std::string_view id) const {
  std::string folded = FoldedId(id);
  if (learned_ == ReceiptIdRule::kHexToDec) return DecimalToHex(folded).value_or(folded);
  if (learned_ == ReceiptIdRule::kDecToHex) return HexToDecimal(folded).value_or(folded);
  return folded;
}

std::string ReceiptIds::OfReceipt(const DeliveryReceipt& receipt) {
  std::string trimmed(base::TrimAscii(receipt.id));
  if (trimmed.empty() || rule_ == ReceiptIdRule::kAsIs) return trimmed;
  const bool two =
      !receipt.text_id.empty() && receipt.text_id != receipt.id;  // a TLV, and another in the text
  std::string folded = FoldedId(trimmed);
  switch (rule_) {
    case ReceiptIdRule::kHexToDec:
      // A TLV holds the answer's form; the text beside it shows when it is that number in the other base.
      if (two && HexToDecimal(folded) == FoldedId(receipt.text_id)) return FoldedId(receipt.text_id);
      return AllOf(folded, false) ? folded : HexToDecimal(folded).value_or(folded);
    case ReceiptIdRule::kDecToHex:
      if (two && DecimalToHex(folded) == FoldedId(receipt.text_id)) return FoldedId(receipt.text_id);
      return folded;
    default:
      break;
  }
  if (auto found = Look(receipt.id)) return *found;
  if (two)
    if (auto found = Look(receipt.text_id)) return *found;
  // Nothing remembered: a TLV in the other base than the text is the answer's own form.
  if (two && (HexToDecimal(folded) == FoldedId(receipt.text_id) ||
              DecimalToHex(folded) == FoldedId(receipt.text_id)))
    return folded;
  return Learned(receipt.id);
}

}  // namespace pharos::smpp
