#include "connectors/smpp/inbound.h"

#include <fmt/format.h>

#include <algorithm>

#include "connectors/smpp/receipt.h"
#include "services/base/ids.h"
#include "services/base/text.h"
#include "services/content/gsm_alphabet.h"
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

void AppendUtf8(char32_t c, std::string& out) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | c >> 6));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xE0 | c >> 12));
    out.push_back(static_cast<char>(0x80 | (c >> 6 & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }
}

template <typename ToUnicode>
std::string EachOctet(std::string_view octets, ToUnicode unicode) {
  std::string out;
  for (unsigned char c : octets) AppendUtf8(c < 0xA0 ? c : unicode(c), out);
  return out;
}

std::string Latin1(std::string_view octets) {
  return EachOctet(octets, [](unsigned char c) { return char32_t{c}; });
}

// ISO 8859-5: 0xA1… is U+0401…, but for four.
char32_t Cyrillic(unsigned char c) {
  if (c == 0xA0 || c == 0xAD) return c;
  if (c == 0xF0) return 0x2116;
  if (c == 0xFD) return 0xA7;
  return 0x0401 + (c - 0xA1);
}

// ISO 8859-8: letters from 0xE0; below them Latin-1, but for three.
char32_t Hebrew(unsigned char c) {
  if (c >= 0xE0 && c <= 0xFA) return 0x05D0 + (c - 0xE0);
  if (c == 0xAA) return 0xD7;
  if (c == 0xBA) return 0xF7;
  if (c == 0xDF) return 0x2017;
  return c <= 0xBE ? char32_t{c} : content::kUnknownCharacter;
}

enum class Alphabet { kGsm, kAscii, kOctets, kLatin1, kCyrillic, kHebrew, kUcs2 };

// TS 23.038, section 4, with SMPP's own meanings of 1–15.
Alphabet AlphabetOf(uint8_t coding) {
  constexpr Alphabet kByBits[] = {Alphabet::kGsm, Alphabet::kOctets, Alphabet::kUcs2, Alphabet::kGsm};
  if (coding >= 0xF0) return coding & 0x04 ? Alphabet::kOctets : Alphabet::kGsm;
  if (coding >= 0xE0) return Alphabet::kUcs2;
  if (coding >= 0xC0) return Alphabet::kGsm;
  if (coding >= 0x10) return kByBits[coding >> 2 & 3];
  switch (coding) {
    case 0:
      return Alphabet::kGsm;
    case 1:
      return Alphabet::kAscii;
    case 3:
      return Alphabet::kLatin1;
    case 6:
      return Alphabet::kCyrillic;
    case 7:
      return Alphabet::kHebrew;
    case 8:
      return Alphabet::kUcs2;
    default:
      return Alphabet::kOctets;
  }
}

// Some providers write the octets of a unit the other way round and say so by a byte order mark.
std::string Ucs2(std::string_view octets) {
  if (octets.starts_with("\xFE\xFF")) return content::DecodeUcs2(octets.substr(2));
  if (!octets.starts_with("\xFF\xFE")) return content::DecodeUcs2(octets);
  std::string turned(octets.substr(2));
  for (size_t i = 0; i + 1 < turned.size(); i += 2) std::swap(turned[i], turned[i + 1]);
  return content::DecodeUcs2(turned);
}

std::string Gsm(std::string_view octets, const UserHeader& header) {
  bool seven = std::all_of(octets.begin(), octets.end(), [](char c) { return !(c & 0x80); });
  if (!seven) return ToUtf8(octets);  // no septets: the provider's own alphabet
  return content::DecodeGsm7(octets, static_cast<content::ShiftLanguage>(header.locking_shift),
                             static_cast<content::ShiftLanguage>(header.single_shift));
}

std::string WithoutPlus(const std::string& digits) {
  std::string_view number = digits;
  if (number.starts_with('+')) number.remove_prefix(1);
  return ToUtf8(number);
}

// Length-prefixed, so that no two lists of fields look alike.
void Append(std::string& out, std::string_view field) {
  out += fmt::format("{}:{}", field.size(), field);
}

}  // namespace

std::string ToUtf8(std::string_view octets) {
  return base::IsUtf8(octets) ? std::string(octets) : Latin1(octets);
}

std::string DecodeText(uint8_t data_coding, std::string_view octets, const UserHeader& header, bool latin1) {
  if (latin1 && data_coding == 0) return Latin1(octets);
  switch (AlphabetOf(data_coding)) {
    case Alphabet::kUcs2:
      return Ucs2(octets);
    case Alphabet::kLatin1:
      return Latin1(octets);
    case Alphabet::kCyrillic:
      return EachOctet(octets, Cyrillic);
    case Alphabet::kHebrew:
      return EachOctet(octets, Hebrew);
    case Alphabet::kGsm:
      return Gsm(octets, header);
    default:
      return ToUtf8(octets);
  }
}

std::optional<KeyedReceipt> ToReceipt(const Pdu& pdu, ReceiptIds& ids, int64_t now_us) {
  auto read = ReadReceipt(pdu);
  if (!read) return std::nullopt;
  KeyedReceipt keyed;
  work::Receipt& receipt = keyed.receipt;
  const auto id = ids.OfReceipt(*read, {pdu.source.digits, pdu.destination.digits}, now_us);
  keyed.undecided = !id;
  receipt.set_provider_id(ToUtf8(std::string_view(id ? *id : read->id).substr(0, kMostIdBytes)));
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
  UserHeader header = TakeUserHeader(pdu.esm_class, text);
  keyed.message.set_id(base::ToHex(base::Sha256(content)));
  keyed.message.set_from(WithoutPlus(pdu.source.digits));
  keyed.message.set_to(WithoutPlus(pdu.destination.digits));
  keyed.message.set_text(DecodeText(pdu.data_coding, text, header, settings.latin1));
  keyed.message.set_received_time_us(wall_us);
  return keyed;
}

KeyedMessage ToMessage(const Address& from, const Address& to, std::string decoded,
                       const InboundSettings& settings, int64_t wall_us) {
  std::string content = "parts";
  for (std::string_view field : {std::string_view(settings.system_id), std::string_view(from.digits),
                                 std::string_view(to.digits), std::string_view(decoded)})
    Append(content, field);
  KeyedMessage keyed;
  keyed.key = base::Sha256(content);
  Append(content, fmt::format("{}", wall_us / 60'000'000));
  keyed.message.set_id(base::ToHex(base::Sha256(content)));
  keyed.message.set_from(WithoutPlus(from.digits));
  keyed.message.set_to(WithoutPlus(to.digits));
  keyed.message.set_text(std::move(decoded));
  keyed.message.set_received_time_us(wall_us);
  return keyed;
}

}  // namespace pharos::smpp
