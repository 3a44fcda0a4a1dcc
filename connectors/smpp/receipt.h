// Delivery receipts, from whatever dialect: the text "id:… stat:…" of SMPP 3.4 appendix B in any order and
// case, and the TLVs, which win over the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/smpp/pdu.h"

namespace pharos::smpp {

// Values of the TLV message_state.
enum class MessageState {
  kNone = 0,
  kEnRoute,
  kDelivered,
  kExpired,
  kDeleted,
  kUndeliverable,
  kAccepted,
  kUnknown,
  kRejected
};

struct DeliveryReceipt {
  std::string id;       // as the provider wrote it, trimmed; the TLV's if there is one
  std::string text_id;  // the text's, which some write in another base than the TLV
  MessageState state = MessageState::kNone;
  std::string word;          // for the state, where no state is known by it; letters, digits, '-', '_'
  std::string error;         // as the provider wrote it; empty = none or "000"; see ReadReceipt
  int64_t done_time_us = 0;  // from "done date", read as UTC; 0 = none or unreadable
  int reference = -1;        // user_message_reference; -1 = none came
};

// True if the deliver_sm or data_sm says that it is a receipt (esm_class), or carries a receipt's TLVs.
bool IsReceipt(const Pdu& pdu);
// nullopt if neither text nor TLVs name a message. A receipt whose state has no known name is kUnknown (an
// intermediate one kEnRoute): `error` then begins with the provider's word.
std::optional<DeliveryReceipt> ReadReceipt(const Pdu& pdu);
// The text alone; fields that are missing stay empty.
DeliveryReceipt ReadReceiptText(std::string_view text);
// "DELIVRD" → kDelivered, any case, also as people spell it ("UNDELIVERABLE") and as a number
// (message_state); kNone for a word that is not known.
MessageState StateNamed(std::string_view word);

}  // namespace pharos::smpp
