// SMPP 3.4 protocol data units: bytes to values and back. Pure: no sockets, no clock, no exceptions; never
// reads past its input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::smpp {

// Commands (SMPP 3.4, 5.1.2.1). An answer is the request with the top bit set.
enum Command : uint32_t {
  kGenericNack = 0x80000000,
  kBindReceiver = 0x00000001,
  kBindTransmitter = 0x00000002,
  kQuerySm = 0x00000003,
  kSubmitSm = 0x00000004,
  kDeliverSm = 0x00000005,
  kUnbind = 0x00000006,
  kBindTransceiver = 0x00000009,
  kOutbind = 0x0000000B,
  kEnquireLink = 0x00000015,
  kDataSm = 0x00000103,
  kResponse = 0x80000000,
};
constexpr uint32_t ResponseTo(uint32_t command) {
  return command | kResponse;
}

// Statuses (5.1.3) that this code knows by name.
enum CommandStatus : uint32_t {
  kOk = 0x00,
  kInvalidMessageLength = 0x01,
  kInvalidCommandLength = 0x02,
  kInvalidCommandId = 0x03,
  kInvalidBindStatus = 0x04,
  kAlreadyBound = 0x05,
  kSystemError = 0x08,
  kInvalidSource = 0x0A,
  kInvalidDestination = 0x0B,
  kBindFailed = 0x0D,
  kInvalidPassword = 0x0E,
  kInvalidSystemId = 0x0F,
  kQueueFull = 0x14,
  kInvalidDestinationFlag = 0x40,
  kSubmitFailed = 0x45,
  kInvalidSourceTon = 0x48,
  kInvalidSourceNpi = 0x49,
  kInvalidDestinationTon = 0x50,
  kInvalidDestinationNpi = 0x51,
  kThrottled = 0x58,
  kTemporaryAppError = 0x64,
  kPermanentAppError = 0x65,
  kRejectedAppError = 0x66,
  kInvalidDataCoding = 0x104,
};

enum TlvTag : uint16_t {
  kReceiptedMessageId = 0x001E,
  kUserMessageReference = 0x0204,
  kSarReference = 0x020C,
  kSarTotal = 0x020E,
  kSarPart = 0x020F,
  kNetworkErrorCode = 0x0423,
  kMessagePayload = 0x0424,
  kMessageState = 0x0427,
};

struct Tlv {
  uint16_t tag = 0;
  std::string value;
  bool operator==(const Tlv&) const = default;
};

struct Address {
  uint8_t ton = 0;
  uint8_t npi = 0;
  std::string digits;
  bool operator==(const Address&) const = default;
};

// One PDU of any command; fields that its command does not have stay empty.
struct Pdu {
  uint32_t command = 0;
  uint32_t status = 0;
  uint32_t sequence = 0;

  // bind_*, and system_id in their answers
  std::string system_id, password, system_type, address_range;
  uint8_t interface_version = 0x34, addr_ton = 0, addr_npi = 0;

  // answers to submit_sm, deliver_sm, data_sm; query_sm
  std::string message_id;

  // submit_sm, deliver_sm, data_sm
  std::string service_type;
  Address source, destination;
  uint8_t esm_class = 0, protocol_id = 0, priority = 0;
  std::string schedule_delivery_time, validity_period;
  uint8_t registered_delivery = 0, replace_if_present = 0, data_coding = 0, default_message_id = 0;
  std::string short_message;

  std::vector<Tlv> tlvs;   // unknown ones too, in order
  bool tlv_fault = false;  // what follows the last TLV is no whole TLV: a vendor's fault, the rest is good

  const Tlv* Find(uint16_t tag) const;
  // short_message, or message_payload when that is where the text is.
  std::string_view Text() const;
  bool operator==(const Pdu&) const = default;
};

inline constexpr size_t kHeaderBytes = 16;
inline constexpr size_t kMaxPduBytes = 64 * 1024;
inline constexpr uint32_t kMaxSequence = 0x7FFFFFFF;  // of requests; then 1 again
inline constexpr size_t kMaxShortMessage = 254;

// What a stream's buffer begins with.
enum class Framing { kNeedMore, kWhole, kBroken };
// kWhole sets `length`. kBroken: a length outside 16…64 KiB; nothing behind it can be trusted, close the
// link.
Framing NextFrame(std::string_view buffer, size_t& length);

// Header of a whole frame; the body may still be malformed.
struct Header {
  uint32_t length, command, status, sequence;
};
Header DecodeHeader(std::string_view frame);
// INVALID_ARGUMENT (PDU_MALFORMED) if the body does not fit its command; the link can go on, the next frame
// is where it should be. Commands that are not known decode to their header alone.
absl::StatusOr<Pdu> Decode(std::string_view frame);
// A text with a NUL in it is cut there; short_message must be at most 255 octets.
std::string Encode(const Pdu& pdu);

// User data header (TS 23.040) at the front of a message whose esm_class says so.
struct Concatenation {
  int reference = 0, total = 1, part = 1;
};
// Splits it off: `text` becomes the payload. nullopt: no concatenation header; a header that does not fit is
// left where it is.
std::optional<Concatenation> TakeHeader(uint8_t esm_class, std::string_view& text);

// Everything of it that a reader needs.
struct UserHeader {
  std::optional<Concatenation> concatenation;
  uint8_t locking_shift = 0, single_shift = 0;  // national languages of TS 23.038; 0 = none
  bool ported = false;                          // application ports: not for a person's eyes
};
UserHeader TakeUserHeader(uint8_t esm_class, std::string_view& text);
// Concatenation by sar_msg_ref_num, sar_total_segments, sar_segment_seqnum; nullopt unless all three are
// there.
std::optional<Concatenation> SarOf(const Pdu& pdu);

}  // namespace pharos::smpp
