#include "connectors/smpp/pdu.h"

#include "services/base/errors.h"

namespace pharos::smpp {
namespace {

uint32_t Get32(std::string_view b, size_t at) {
  return uint32_t{uint8_t(b[at])} << 24 | uint32_t{uint8_t(b[at + 1])} << 16 |
         uint32_t{uint8_t(b[at + 2])} << 8 | uint8_t(b[at + 3]);
}
void Put8(std::string& out, uint8_t v) {
  out.push_back(static_cast<char>(v));
}
void Put16(std::string& out, uint16_t v) {
  Put8(out, v >> 8);
  Put8(out, v & 0xFF);
}
void Put32(std::string& out, uint32_t v) {
  Put16(out, v >> 16);
  Put16(out, v & 0xFFFF);
}
void PutText(std::string& out, std::string_view text) {
  out.append(text.substr(0, text.find('\0')));
  out.push_back('\0');
}

// Reads a body; after the first lack of octets every read gives nothing and ok() is false.
class Cursor {
 public:
  explicit Cursor(std::string_view body) : left_(body) {}
  bool ok() const { return ok_; }
  bool empty() const { return left_.empty(); }
  uint8_t U8() {
    auto bytes = Octets(1);
    return bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]);
  }
  std::string Text() {
    size_t end = left_.find('\0');
    if (end == std::string_view::npos) {
      ok_ = false;
      return "";
    }
    std::string text(left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return text;
  }
  std::string_view Octets(size_t n) {
    if (!ok_ || left_.size() < n) {
      ok_ = false;
      return {};
    }
    auto bytes = left_.substr(0, n);
    left_.remove_prefix(n);
    return bytes;
  }
  // Everything left as TLVs; false at the first that is not whole.
  bool Tlvs(std::vector<Tlv>& out) {
    while (left_.size() >= 4) {
      uint16_t tag = uint8_t(left_[0]) << 8 | uint8_t(left_[1]);
      size_t length = uint8_t(left_[2]) << 8 | uint8_t(left_[3]);
      if (left_.size() - 4 < length) return false;
      out.push_back({tag, std::string(left_.substr(4, length))});
      left_.remove_prefix(4 + length);
    }
    return left_.empty();
  }

 private:
  std::string_view left_;
  bool ok_ = true;
};

Address ReadAddress(Cursor& in) {
  Address a;
  a.ton = in.U8();
  a.npi = in.U8();
  a.digits = in.Text();
  return a;
}
void PutAddress(std::string& out, const Address& a) {
  Put8(out, a.ton);
  Put8(out, a.npi);
  PutText(out, a.digits);
}

void ReadBind(Cursor& in, Pdu& pdu) {
  pdu.system_id = in.Text();
  pdu.password = in.Text();
  pdu.system_type = in.Text();
  pdu.interface_version = in.U8();
  pdu.addr_ton = in.U8();
  pdu.addr_npi = in.U8();
  pdu.address_range = in.Text();
}

void ReadMessage(Cursor& in, Pdu& pdu) {
  pdu.service_type = in.Text();
  pdu.source = ReadAddress(in);
  pdu.destination = ReadAddress(in);
  pdu.esm_class = in.U8();
  pdu.protocol_id = in.U8();
  pdu.priority = in.U8();
  pdu.schedule_delivery_time = in.Text();
  pdu.validity_period = in.Text();
  pdu.registered_delivery = in.U8();
  pdu.replace_if_present = in.U8();
  pdu.data_coding = in.U8();
  pdu.default_message_id = in.U8();
  pdu.short_message = std::string(in.Octets(in.U8()));
}

void ReadData(Cursor& in, Pdu& pdu) {
  pdu.service_type = in.Text();
  pdu.source = ReadAddress(in);
  pdu.destination = ReadAddress(in);
  pdu.esm_class = in.U8();
  pdu.registered_delivery = in.U8();
  pdu.data_coding = in.U8();
}

// An answer that says no may leave its body out; some leave it out even when they say yes.
void ReadOptionalText(Cursor& in, std::string& text) {
  if (!in.empty()) text = in.Text();
}

// False for a command whose body is not known.
bool ReadBody(Cursor& in, Pdu& pdu) {
  switch (pdu.command) {
    case kBindReceiver:
    case kBindTransmitter:
    case kBindTransceiver:
      ReadBind(in, pdu);
      return true;
    case ResponseTo(kBindReceiver):
    case ResponseTo(kBindTransmitter):
    case ResponseTo(kBindTransceiver):
      ReadOptionalText(in, pdu.system_id);
      return true;
    case kSubmitSm:
    case kDeliverSm:
      ReadMessage(in, pdu);
      return true;
    case kDataSm:
      ReadData(in, pdu);
      return true;
    case ResponseTo(kSubmitSm):
    case ResponseTo(kDeliverSm):
    case ResponseTo(kDataSm):
      ReadOptionalText(in, pdu.message_id);
      return true;
    case kQuerySm:
      pdu.message_id = in.Text();
      pdu.source = ReadAddress(in);
      return true;
    default:
      return false;
  }
}

void PutMessage(std::string& out, const Pdu& pdu) {
  PutText(out, pdu.service_type);
  PutAddress(out, pdu.source);
  PutAddress(out, pdu.destination);
  Put8(out, pdu.esm_class);
  Put8(out, pdu.protocol_id);
  Put8(out, pdu.priority);
  PutText(out, pdu.schedule_delivery_time);
  PutText(out, pdu.validity_period);
  Put8(out, pdu.registered_delivery);
  Put8(out, pdu.replace_if_present);
  Put8(out, pdu.data_coding);
  Put8(out, pdu.default_message_id);
  auto text = std::string_view(pdu.short_message).substr(0, 255);
  Put8(out, static_cast<uint8_t>(text.size()));
  out.append(text);
}

void PutBind(std::string& out, const Pdu& pdu) {
  PutText(out, pdu.system_id);
  PutText(out, pdu.password);
  PutText(out, pdu.system_type);
  Put8(out, pdu.interface_version);
  Put8(out, pdu.addr_ton);
  Put8(out, pdu.addr_npi);
  PutText(out, pdu.address_range);
}

void PutData(std::string& out, const Pdu& pdu) {
  PutText(out, pdu.service_type);
  PutAddress(out, pdu.source);
  PutAddress(out, pdu.destination);
  Put8(out, pdu.esm_class);
  Put8(out, pdu.registered_delivery);
  Put8(out, pdu.data_coding);
}

void PutBody(std::string& out, const Pdu& pdu) {
  switch (pdu.command) {
    case kBindReceiver:
    case kBindTransmitter:
    case kBindTransceiver:
      return PutBind(out, pdu);
    case ResponseTo(kBindReceiver):
    case ResponseTo(kBindTransmitter):
    case ResponseTo(kBindTransceiver):
      return PutText(out, pdu.system_id);
    case kSubmitSm:
    case kDeliverSm:
      return PutMessage(out, pdu);
    case kDataSm:
      return PutData(out, pdu);
    case ResponseTo(kSubmitSm):
    case ResponseTo(kDeliverSm):
    case ResponseTo(kDataSm):
      return PutText(out, pdu.message_id);
    case kQuerySm:
      PutText(out, pdu.message_id);
      return PutAddress(out, pdu.source);
    default:
      return;
  }
}

}  // namespace

const Tlv* Pdu::Find(uint16_t tag) const {
  for (const auto& tlv : tlvs)
    if (tlv.tag == tag) return &tlv;
  return nullptr;
}

std::string_view Pdu::Text() const {
  const Tlv* payload = short_message.empty() ? Find(kMessagePayload) : nullptr;
  return payload ? std::string_view(payload->value) : std::string_view(short_message);
}

Framing NextFrame(std::string_view buffer, size_t& length) {
  if (buffer.size() < 4) return Framing::kNeedMore;
  size_t claimed = Get32(buffer, 0);
  if (claimed < kHeaderBytes || claimed > kMaxPduBytes) return Framing::kBroken;
  if (buffer.size() < claimed) return Framing::kNeedMore;
  length = claimed;
  return Framing::kWhole;
}

Header DecodeHeader(std::string_view frame) {
  if (frame.size() < kHeaderBytes) return {};
  return {Get32(frame, 0), Get32(frame, 4), Get32(frame, 8), Get32(frame, 12)};
}

absl::StatusOr<Pdu> Decode(std::string_view frame) {
  size_t length = 0;
  if (NextFrame(frame, length) != Framing::kWhole || length != frame.size())
    return base::MakeError(absl::StatusCode::kInvalidArgument, "PDU_MALFORMED", "not one whole SMPP frame");
  Header header = DecodeHeader(frame);
  Pdu pdu;
  pdu.command = header.command;
  pdu.status = header.status;
  pdu.sequence = header.sequence;
  Cursor in(frame.substr(kHeaderBytes));
  if (!ReadBody(in, pdu)) return pdu;
  if (!in.ok())
    return base::MakeError(absl::StatusCode::kInvalidArgument, "PDU_MALFORMED",
                           "the body of an SMPP frame ends too early; the frame was ignored");
  pdu.tlv_fault = !in.Tlvs(pdu.tlvs);
  return pdu;
}

std::string Encode(const Pdu& pdu) {
  std::string out;
  out.reserve(kHeaderBytes + 64 + pdu.short_message.size());
  Put32(out, 0);
  Put32(out, pdu.command);
  Put32(out, pdu.status);
  Put32(out, pdu.sequence);
  PutBody(out, pdu);
  for (const auto& tlv : pdu.tlvs) {
    Put16(out, tlv.tag);
    Put16(out, static_cast<uint16_t>(tlv.value.size()));
    out.append(tlv.value, 0, 0xFFFF);
  }
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(out.size() >> (24 - 8 * i) & 0xFF);
  return out;
}

std::optional<Concatenation> TakeHeader(uint8_t esm_class, std::string_view& text) {
  return TakeUserHeader(esm_class, text).concatenation;
}

UserHeader TakeUserHeader(uint8_t esm_class, std::string_view& text) {
  UserHeader header;
  if (!(esm_class & 0x40) || text.empty()) return header;
  size_t length = static_cast<uint8_t>(text[0]);
  if (text.size() < length + 1) return header;
  auto elements = text.substr(1, length);
  text.remove_prefix(length + 1);
  while (elements.size() >= 2) {
    uint8_t kind = elements[0];
    size_t size = static_cast<uint8_t>(elements[1]);
    if (elements.size() < 2 + size) break;
    auto octet = [&](size_t at) { return int{static_cast<uint8_t>(elements[2 + at])}; };
    if (kind == 0x00 && size == 3) header.concatenation = Concatenation{octet(0), octet(1), octet(2)};
    if (kind == 0x08 && size == 4)
      header.concatenation = Concatenation{octet(0) << 8 | octet(1), octet(2), octet(3)};
    if (kind == 0x24 && size == 1) header.single_shift = static_cast<uint8_t>(octet(0));
    if (kind == 0x25 && size == 1) header.locking_shift = static_cast<uint8_t>(octet(0));
    if (kind == 0x04 || kind == 0x05) header.ported = true;
    elements.remove_prefix(2 + size);
  }
  return header;
}

std::optional<Concatenation> SarOf(const Pdu& pdu) {
  const Tlv *reference = pdu.Find(kSarReference), *total = pdu.Find(kSarTotal), *part = pdu.Find(kSarPart);
  if (!reference || !total || !part || total->value.size() != 1 || part->value.size() != 1)
    return std::nullopt;
  int number = 0;
  for (unsigned char c : reference->value) number = (number << 8 | c) & 0xFFFF;
  return Concatenation{number, static_cast<uint8_t>(total->value[0]), static_cast<uint8_t>(part->value[0])};
}

}  // namespace pharos::smpp
