// Whether a receipt's id is the id of an answer to submit_sm: providers write the same number once in
// hexadecimal and once in decimal, in other case, with leading zeros, and with more than 64 bits.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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
// are remembered, each with a keyed hash of the number that it was for. A receipt's id is looked for among
// them in each form; a form that differs from what the provider wrote counts only where the receipt's number
// is that message's. Once kVotes messages in a row agree on a form, it counts as the provider's for receipts
// of messages that are not remembered, e.g. of an earlier run. Belongs to one thread.
class ReceiptIds {
 public:
  // One chance match of a number and an id is possible, three in a row are not.
  static constexpr size_t kVotes = 3;
  // So long a receipt that could be meant either way is put off; then it is taken as it is written.
  static constexpr int64_t kUndecidedUs = 900'000'000;

  explicit ReceiptIds(ReceiptIdRule rule);
  // `number`: whom the message was for.
  std::string OfAnswer(std::string_view id, std::string_view number = "");
  // `numbers`: the receipt's source and destination; some providers turn them round. nullopt (kAuto only): a
  // number that might be of either base, of a message that is not remembered, and no form is learned yet:
  // answer the provider "later". `now_us` is CLOCK_BOOTTIME.
  std::optional<std::string> OfReceipt(const DeliveryReceipt& receipt,
                                       const std::vector<std::string_view>& numbers = {}, int64_t now_us = 0);
  // What kAuto has found; kAuto = nothing yet.
  ReceiptIdRule learned() const { return learned_; }

 private:
  struct Form {
    ReceiptIdRule rule;
    std::optional<std::string> id;
  };
  enum class Match { kUnknown, kOther, kYes };
  Match Compare(const std::optional<std::string>& id, const std::vector<std::string_view>& numbers) const;
  void Remember(const std::string& id, std::string_view number);
  std::optional<std::string> Look(std::string_view id, const std::vector<std::string_view>& numbers);
  void Vote(const Form (&forms)[3], const Form& matched, const std::vector<std::string_view>& numbers);
  std::optional<std::string> Learned(std::string_view id, const std::vector<std::string_view>& numbers,
                                     int64_t now_us);
  std::string OfReceiptByRule(const DeliveryReceipt& receipt) const;
  uint64_t HashOf(std::string_view number) const;

  const ReceiptIdRule rule_;
  const std::string key_;  // of the hashes of numbers; of this process only
  ReceiptIdRule learned_ = ReceiptIdRule::kAuto, voted_ = ReceiptIdRule::kAuto;
  std::vector<std::string> votes_;                     // ids that agreed on voted_, in a row
  int64_t undecided_us_ = 0;                           // since when; 0 = never
  bool words_ = false;                                 // answers' ids are no numbers: there is one form only
  std::unordered_map<uint64_t, uint64_t> remembered_;  // hash of the id → of the number
  std::deque<uint64_t> order_;
};

}  // namespace pharos::smpp
