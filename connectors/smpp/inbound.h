// What a provider sends us, as dispatch wants it. Pure.
#pragma once

#include <optional>
#include <string>

#include "connectors/smpp/pdu.h"
#include "connectors/smpp/receipt_id.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::smpp {

namespace work = ::pharos::dispatch::internal::v1;

struct InboundSettings {
  std::string system_id;
  int id_tlv = 0;       // a TLV in which this provider names a message from a person, e.g. 0x1401; 0 = none
  bool latin1 = false;  // data_coding 0 means Latin-1 to this provider, not GSM
};

// A receipt and the key under which repeats of it are the same; nullopt if it says nothing.
struct KeyedReceipt {
  std::string key;
  bool undecided = false;  // whose it is cannot be told yet (ReceiptIds): the provider is to repeat it later
  work::Receipt receipt;
};
std::optional<KeyedReceipt> ToReceipt(const Pdu& pdu, ReceiptIds& ids, int64_t now_us = 0);

// A message from a person. The key is the same for every repeat while the message is unacknowledged: account,
// source, destination, header and text (and the provider's own id where there is one). The id adds, where the
// provider names nothing, the minute in which it arrived: SMPP gives a deliver_sm no id and no time of its
// own, and a person may well say STOP again tomorrow. A repeat after this process died can so get another id;
// dispatch then sees a second STOP, which changes nothing.
struct KeyedMessage {
  std::string key;
  work::InboundMessage message;
};
KeyedMessage ToMessage(const Pdu& pdu, const InboundSettings& settings, int64_t wall_us);
// The same of a message that came in parts: `decoded` is its text.
KeyedMessage ToMessage(const Address& from, const Address& to, std::string decoded,
                       const InboundSettings& settings, int64_t wall_us);

// SMPP 3.4, 5.2.19, and TS 23.038, 4: 0 GSM 7-bit unpacked; 1 ASCII; 3 Latin-1; 2, 4 octets; 6 Cyrillic
// (ISO-8859-5); 7 Hebrew (ISO-8859-8); 8 UCS-2; 0x10–0x3F general groups with class; 0xC0–0xEF waiting
// messages; 0xF0 class. → UTF-8. Octets that the named coding cannot hold are read as UTF-8 or Latin-1.
std::string DecodeText(uint8_t data_coding, std::string_view octets, const UserHeader& header = {},
                       bool latin1 = false);
// Text that a provider wrote as octets: as it is when it is UTF-8, else read as Latin-1.
std::string ToUtf8(std::string_view octets);

}  // namespace pharos::smpp
