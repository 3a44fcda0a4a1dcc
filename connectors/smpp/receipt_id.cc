#include "connectors/smpp/receipt_id.h"

#include <algorithm>
#include <cstring>

#include "services/base/ids.h"
#include "services/base/text.h"

namespace pharos::smpp {
namespace {

constexpr size_t kRemembered = 200'000;  // answers: 20 s at 10,000 a second, hours at a usual rate; 15 MB
// A number is written with and without its country: the last digits name it.
constexpr size_t kTellingDigits = 9;
constexpr char kUnmatched = '?';  // before an id that must not be taken for an answer's

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

ReceiptIds::ReceiptIds(ReceiptIdRule rule) : rule_(rule), key_(base::RandomBytes16()) {}

// Keyed: what is remembered of people's numbers is of no use elsewhere.
uint64_t ReceiptIds::HashOf(std::string_view number) const {
  std::string digits;
  for (char c : number)
    if (c >= '0' && c <= '9') digits.push_back(c);
  if (digits.size() > kTellingDigits) digits.erase(0, digits.size() - kTellingDigits);
  if (digits.empty()) return 0;
  const std::string hash = base::Sha256(key_ + digits);
  uint64_t cut = 0;
  std::memcpy(&cut, hash.data(), sizeof cut);
  return cut | 1;  // 0 = no number
}

void ReceiptIds::Remember(const std::string& id, std::string_view number) {
  const uint64_t hash = std::hash<std::string>{}(id);
  const bool fresh = remembered_.insert_or_assign(hash, HashOf(number)).second;
  if (!fresh) return;
  order_.push_back(hash);
  if (order_.size() <= kRemembered) return;
  remembered_.erase(order_.front());
  order_.pop_front();
}

std::string ReceiptIds::OfAnswer(std::string_view id, std::string_view number) {
  std::string trimmed(base::TrimAscii(id));
  if (trimmed.empty() || rule_ == ReceiptIdRule::kAsIs) return trimmed;
  std::string folded = FoldedId(trimmed);
  if (rule_ == ReceiptIdRule::kHexToDec) return HexToDecimal(folded).value_or(folded);
  if (rule_ == ReceiptIdRule::kDecToHex) return DecimalToHex(folded).value_or(folded);
  words_ = !AllOf(folded, true);
  Remember(folded, number);
  return folded;
}

// kYes: an answer had that id, and nothing says that it was for another number.
ReceiptIds::Match ReceiptIds::Compare(const std::optional<std::string>& id,
                                      const std::vector<std::string_view>& numbers) const {
  if (!id) return Match::kUnknown;
  const auto it = remembered_.find(std::hash<std::string>{}(*id));
  if (it == remembered_.end()) return Match::kUnknown;
  if (it->second == 0) return Match::kYes;
  bool any = false;
  for (std::string_view number : numbers) {
    const uint64_t hash = HashOf(number);
    if (hash == it->second) return Match::kYes;
    any = any || hash != 0;
  }
  return any ? Match::kOther : Match::kYes;
}

// Only a message that one form alone can mean, and of which every message has one vote: repeats say nothing.
void ReceiptIds::Vote(const Form (&forms)[3], const Form& matched,
                      const std::vector<std::string_view>& numbers) {
  for (const auto& form : forms)
    if (form.rule != matched.rule && (form.id == matched.id || Compare(form.id, numbers) == Match::kYes))
      return;
  if (std::find(votes_.begin(), votes_.end(), *matched.id) != votes_.end()) return;
  if (voted_ != matched.rule) votes_.clear();
  voted_ = matched.rule;
  if (votes_.size() < kVotes) votes_.push_back(*matched.id);
  if (votes_.size() == kVotes) learned_ = matched.rule;
}

// Among the answers' ids, the likeliest form first.
std::optional<std::string> ReceiptIds::Look(std::string_view id,
                                            const std::vector<std::string_view>& numbers) {
  const std::string folded = FoldedId(id);
  const Form forms[3] = {{ReceiptIdRule::kAsIs, folded},
                         {ReceiptIdRule::kHexToDec, DecimalToHex(folded)},  // back into the answer's base
                         {ReceiptIdRule::kDecToHex, HexToDecimal(folded)}};
  auto try_form = [&](const Form& form) {
    if (Compare(form.id, numbers) != Match::kYes) return false;
    Vote(forms, form, numbers);
    return true;
  };
  for (const auto& form : forms)
    if (form.rule == learned_ && try_form(form)) return form.id;
  for (const auto& form : forms)
    if (form.rule != learned_ && try_form(form)) return form.id;
  return std::nullopt;
}

// Of a message that is not remembered, or not with this number.
std::optional<std::string> ReceiptIds::Learned(std::string_view id,
                                               const std::vector<std::string_view>& numbers, int64_t now_us) {
  std::string folded = FoldedId(id);
  std::optional<std::string> guess;
  if (learned_ == ReceiptIdRule::kHexToDec) guess = DecimalToHex(folded);
  if (learned_ == ReceiptIdRule::kDecToHex) guess = HexToDecimal(folded);
  if (guess && *guess != folded)
    return Compare(guess, numbers) == Match::kOther ? kUnmatched + folded : guess;
  // Hexadecimal letters, or no number at all: as it is, it can only be right or unknown.
  if (learned_ != ReceiptIdRule::kAuto || words_ || !AllOf(folded, false)) return folded;
  if (undecided_us_ == 0) undecided_us_ = now_us;
  if (now_us - undecided_us_ < kUndecidedUs) return std::nullopt;
  return Compare(folded, numbers) == Match::kOther ? kUnmatched + folded : folded;
}

std::string ReceiptIds::OfReceiptByRule(const DeliveryReceipt& receipt) const {
  const std::string folded = FoldedId(base::TrimAscii(receipt.id)), text = FoldedId(receipt.text_id);
  const bool two = !receipt.text_id.empty() && receipt.text_id != receipt.id;
  if (rule_ == ReceiptIdRule::kDecToHex) return two && DecimalToHex(folded) == text ? text : folded;
  // A TLV holds the answer's form; the text beside it shows when it is that number in the other base.
  if (two && HexToDecimal(folded) == text) return text;
  return AllOf(folded, false) ? folded : HexToDecimal(folded).value_or(folded);
}

std::optional<std::string> ReceiptIds::OfReceipt(const DeliveryReceipt& receipt,
                                                 const std::vector<std::string_view>& numbers,
                                                 int64_t now_us) {
  std::string trimmed(base::TrimAscii(receipt.id));
  if (trimmed.empty() || rule_ == ReceiptIdRule::kAsIs) return trimmed;
  if (rule_ != ReceiptIdRule::kAuto) return OfReceiptByRule(receipt);
  const bool two =
      !receipt.text_id.empty() && receipt.text_id != receipt.id;  // a TLV, and another in the text
  if (auto found = Look(receipt.id, numbers)) return found;
  if (two)
    if (auto found = Look(receipt.text_id, numbers)) return found;
  // Nothing remembered: a TLV in the other base than the text is the answer's own form.
  const std::string folded = FoldedId(trimmed), text = FoldedId(receipt.text_id);
  if (two && (HexToDecimal(folded) == text || DecimalToHex(folded) == text)) return folded;
  return Learned(receipt.id, numbers, now_us);
}

}  // namespace pharos::smpp
