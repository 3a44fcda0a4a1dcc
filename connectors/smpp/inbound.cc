#include "connectors/smpp/inbound.h"

#include <fmt/format.h>

#include "connectors/smpp/receipt.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/content/sms_text.h"

namespace pharos::smpp {
namespace {

constexpr size_t kMostIdBytes = 256;  // SMPP allows 65; what is longer is not an id that a provider gave us

work::ReceiptState StateOf(MessageState state) {
  switch (state) {
    case MessageState::kEnRoute:
      return work::EN_ROUTE;
    case MessageState::kDelivered:
      return work::DELIVERED;
    case MessageState::kExpired:
      return work::EXPIRED;
    case MessageState::kDeleted:
      return work::DELETED;
    case MessageState::kUndeliverable:
      return work::UNDELIVERABLE;
    case MessageState::kAccepted:
      return work::ACCEPTED_STATE;
    case MessageState::kRejected:
      return work::REJECTED_LATER;
    default:
      return work::UNKNOWN_STATE;
  }
}

std::string Latin1(std::string_view octets) {
  std::string out;
  for (unsigned char c : octets) {
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else {
      out.push_back(static_cast<char>(0xC0 | c >> 6));
      out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    }
  }
  return out;
}

std::string WithoutPlus(const std::string& digits) {
  return ToUtf8(!digits.empty() && digits[0] == '+' ? digits.substr(1) : digits);
}

// Length-prefixed, so that no two lists of fields look alike.
void Append(std::string& out, std::string_view field) {
  out += fmt::format("{}:{}", field.size(), field);
}

}  // namespace

std::string ToUtf8(std::string_view octets) {
  return base::IsUtf8(octets) ? std::string(octets) : Latin1(octets);
}

std::string DecodeText(uint8_t data_coding, std::string_view octets) {
  if (data_coding == 8) return content::DecodeUcs2(octets);
  bool latin1 = data_coding == 3 || data_coding == 4 || ((data_coding & 0xF4) == 0xF4);
  return latin1 ? Latin1(octets) : content::DecodeGsm7(octets);
}

std::optional<KeyedReceipt> ToReceipt(const Pdu& pdu) {
  auto read = ReadReceipt(pdu);
  if (!read) return std::nullopt;
  KeyedReceipt keyed;
  work::Receipt& receipt = keyed.receipt;
  receipt.set_provider_id(ToUtf8(std::string_view(read->id).substr(0, kMostIdBytes)));
  receipt.set_state(StateOf(read->state));
  receipt.set_error_code(ToUtf8(std::string_view(read->error).substr(0, kMostIdBytes)));
  receipt.set_address(WithoutPlus(pdu.source.digits));
  receipt.set_reference(read->reference);
  receipt.set_done_time_us(read->done_time_us);
  std::string content = "receipt";
  for (const auto& field : {read->id, pdu.source.digits, fmt::format("{}", static_cast<int>(read->state)),
                            read->error, fmt::format("{}", read->reference)})
    Append(content, field);
  keyed.key = base::Sha256(content);
  return keyed;
}

KeyedMessage ToMessage(const Pdu& pdu, const InboundSettings& settings, int64_t wall_us) {
  std::string_view text = pdu.Text();
  std::string content = "message";
  for (std::string_view field : {std::string_view(settings.system_id), std::string_view(pdu.source.digits),
                                 std::string_view(pdu.destination.digits), text})
    Append(content, field);
  const Tlv* mark = settings.id_tlv ? pdu.Find(static_cast<uint16_t>(settings.id_tlv)) : nullptr;
  if (mark) Append(content, mark->value);

  KeyedMessage keyed;
  keyed.key = base::Sha256(content);
  if (!mark) Append(content, fmt::format("{}", wall_us / 60'000'000));
  TakeHeader(pdu.esm_class, text);
  keyed.message.set_id(base::ToHex(base::Sha256(content)));
  keyed.message.set_from(WithoutPlus(pdu.source.digits));
  keyed.message.set_to(WithoutPlus(pdu.destination.digits));
  keyed.message.set_text(DecodeText(pdu.data_coding, text));
  keyed.message.set_received_time_us(wall_us);
  return keyed;
}

}  // namespace pharos::smpp
