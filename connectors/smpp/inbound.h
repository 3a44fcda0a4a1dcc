// What a provider sends us, as dispatch wants it. Pure.
#pragma once

#include <optional>
#include <string>

#include "connectors/smpp/pdu.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::smpp {

namespace work = ::pharos::dispatch::internal::v1;

struct InboundSettings {
  std::string system_id;
  int id_tlv = 0;  // a TLV in which this provider names a message from a person, e.g. 0x1401; 0 = none
};

// A receipt and the key under which repeats of it are the same; nullopt if it says nothing.
struct KeyedReceipt {
  std::string key;
  work::Receipt receipt;
};
std::optional<KeyedReceipt> ToReceipt(const Pdu& pdu);

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

// data_coding 0, 1: GSM 7-bit unpacked; 8: UCS-2; 3: Latin-1; message class 0xF*: bit 2 says 8-bit. → UTF-8.
std::string DecodeText(uint8_t data_coding, std::string_view octets);
// Text that a provider wrote as octets: as it is when it is UTF-8, else read as Latin-1.
std::string ToUtf8(std::string_view octets);

}  // namespace pharos::smpp
