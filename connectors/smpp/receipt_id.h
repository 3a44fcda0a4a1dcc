// Whether a receipt's id is the id of an answer to submit_sm: providers write the same number once in
// hexadecimal and once in decimal, in other case, with leading zeros, and with more than 64 bits.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "connectors/smpp/receipt.h"

namespace pharos::smpp {

// How the two are written: answer first, receipt second. kAuto finds out.
enum class ReceiptIdRule { kAuto, kAsIs, kHexToDec, kDecToHex };
// "auto", "as-is", "hex-to-dec", "dec-to-hex"; nullopt for any other word.
std::optional<ReceiptIdRule> ReceiptIdRuleNamed(std::string_view name);

// Numbers of any length; nullopt if a digit is wrong or there are more than kMostIdDigits.
inline constexpr size_t kMostIdDigits = 256;
std::optional<std::string> HexToDecimal(std::string_view hex);
std::optional<std::string> DecimalToHex(std::string_view decimal);  // lower case
// Lower case; leading zeros go if it is a number in either base.
std::string FoldedId(std::string_view id);

// Gives both kinds of id one canonical form. With kAuto that is the answer's: the ids of the newest answers
// are remembered, a receipt's id is looked for among them in each form, and the form that is found counts as
// the provider's for the receipts of older messages. Belongs to one thread.
class ReceiptIds {
 public:
  explicit ReceiptIds(ReceiptIdRule rule) : rule_(rule) {}
  std::string OfAnswer(std::string_view id);
  std::string OfReceipt(const DeliveryReceipt& receipt);
  // What kAuto has found; kAuto = nothing yet.
  ReceiptIdRule learned() const { return learned_; }

 private:
  bool Known(const std::string& id) const { return remembered_.count(std::hash<std::string>{}(id)) > 0; }
  void Remember(const std::string& id);
  std::optional<std::string> Look(std::string_view id);
  std::string Learned(std::string_view id) const;

  const ReceiptIdRule rule_;
  ReceiptIdRule learned_ = ReceiptIdRule::kAuto;
  std::unordered_set<uint64_t> remembered_;  // hashes: a false match only picks a form
  std::deque<uint64_t> order_;
};

}  // namespace pharos::smpp
