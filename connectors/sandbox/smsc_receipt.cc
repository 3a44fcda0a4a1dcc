// What the provider and people say later: receipts in many dialects, and replies in many forms.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "connectors/sandbox/smsc_impl.h"

namespace pharos::sandbox {
namespace {

using smpp::MessageState;
using smpp::Pdu;

constexpr uint8_t kReceipt = 0x04, kIntermediate = 0x20, kHasHeader = 0x40;  // esm_class
constexpr size_t kPartOctets = 120;                                          // of a reply in parts; even

std::string_view WordOf(MessageState state) {
  static constexpr std::string_view kWords[] = {"UNKNOWN", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
                                                "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"};
  const auto index = static_cast<size_t>(state);
  return index < std::size(kWords) ? kWords[index] : "UNKNOWN";
}

// "261123021530"; the calendar is asked once a second.
const std::string& DateNow(int64_t wall_us) {
  static thread_local int64_t last = -1;
  static thread_local std::string text;
  std::time_t seconds = wall_us / 1'000'000;
  if (seconds == last) return text;
  last = seconds;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char digits[16];
  text.assign(digits, strftime(digits, sizeof digits, "%y%m%d%H%M%S", &tm));
  return text;
}

std::string Worded(char form, uint64_t number, const std::string& as_it_is) {
  switch (form) {
    case 'h':
      return fmt::format("{:x}", number);
    case 'u':
      return fmt::format("{:X}", number);
    case 'd':
      return fmt::format("{}", number);
    case 'z':
      return fmt::format("{:024}", number);
    default:
      return as_it_is;
  }
}

std::string ReceiptText(const std::string& id, MessageState state, const std::string& date,
                        const SmsRule* rule) {
  const bool delivered = state == MessageState::kDelivered;
  if (rule == nullptr || rule->omit.empty())
    return fmt::format("id:{} sub:001 dlvrd:{} submit date:{} done date:{} stat:{} err:{} text:", id,
                       delivered ? "001" : "000", date, date, WordOf(state), delivered ? "000" : "001");
  const std::pair<const char*, std::string> fields[] = {{"id", id},
                                                        {"sub", "001"},
                                                        {"dlvrd", delivered ? "001" : "000"},
                                                        {"submit date", date},
                                                        {"done date", date},
                                                        {"stat", std::string(WordOf(state))},
                                                        {"err", delivered ? "000" : "001"},
                                                        {"text", ""}};
  std::string text;
  for (const auto& [name, value] : fields)
    if (std::find(rule->omit.begin(), rule->omit.end(), name) == rule->omit.end())
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ", name, value);
  return text;
}

// UTF-8 to UTF-16BE.
std::string ToUcs2(std::string_view text) {
  std::string out;
  auto put = [&](uint32_t unit) {
    out.push_back(static_cast<char>(unit >> 8));
    out.push_back(static_cast<char>(unit & 0xFF));
  };
  for (size_t i = 0; i < text.size();) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    size_t more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
    uint32_t code = more == 0 ? c : c & (0x3Fu >> more);
    for (size_t k = 1; k <= more && i + k < text.size(); ++k)
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    i += more + 1;
    if (code >= 0x10000) put(0xD800 + ((code - 0x10000) >> 10));
    put(code >= 0x10000 ? 0xDC00 + ((code - 0x10000) & 0x3FF) : code);
  }
  return out;
}

// True for what is the same octet in ASCII and in GSM 03.38.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c >= 0x20 && c < 0x7B && c != '$' && c != '@' && c != '_' && c != '`' && !(c >= '[' && c <= '^');
  });
}

}  // namespace

std::string Smsc::Impl::NewId(uint64_t number, const SmsRule* rule) const {
  const std::string plain = fmt::format("{}{:08x}", id_prefix_, number);
  return rule == nullptr ? plain : Worded(rule->answer_id, first_number_ + number, plain);
}

void Smsc::Impl::PlanReceipts(SmscLink& link, const Pdu& pdu, const Fate& fate, uint64_t number,
                              const std::string& id, const SmsRule* rule) {
  const bool scripted = rule != nullptr && !rule->states.empty();
  std::vector<MessageState> states = scripted ? rule->states : std::vector<MessageState>{fate.state};
  const int asked = pdu.registered_delivery & 3;
  const bool wanted = asked == 1 || (asked == 2 && states.back() != MessageState::kDelivered);
  if (!wanted || (!scripted && fate.receipts == 0) || (rule != nullptr && rule->no_receipt)) return;
  if (rule != nullptr && rule->intermediate) states.insert(states.begin(), MessageState::kEnRoute);
  const std::string receipt_id = rule == nullptr ? id : Worded(rule->receipt_id, first_number_ + number, id);
  const int copies = rule != nullptr && rule->copies > 1 ? rule->copies : fate.receipts;
  for (MessageState state : states) {
    Pdu receipt;
    const bool passing = state == MessageState::kEnRoute;
    receipt.command = rule != nullptr && rule->by_data_sm ? smpp::kDataSm : smpp::kDeliverSm;
    receipt.source = pdu.destination;
    receipt.destination = pdu.source;
    receipt.esm_class = passing ? kIntermediate : kReceipt;
    std::string text = ReceiptText(receipt_id, state, DateNow(clock_.WallMicros()), rule);
    const bool with_text = rule == nullptr || rule->with_text;
    if (receipt.command == smpp::kDeliverSm && with_text) receipt.short_message = text;
    if (receipt.command == smpp::kDataSm && with_text) receipt.tlvs.push_back({smpp::kMessagePayload, text});
    if (rule == nullptr || rule->with_tlvs) {
      receipt.tlvs.push_back({smpp::kReceiptedMessageId, receipt_id + '\0'});
      receipt.tlvs.push_back({smpp::kMessageState, std::string(1, static_cast<char>(state))});
      if (auto* umr = pdu.Find(smpp::kUserMessageReference)) receipt.tlvs.push_back(*umr);
    }
    for (int i = 0; i < copies; ++i) {
      auto delivery = std::make_shared<Delivery>();
      delivery->account = link.account;
      delivery->id = id;
      delivery->state = std::string(WordOf(state));
      delivery->frame = smpp::Encode(receipt);
      if (fate.receipt_first || (rule != nullptr && rule->receipt_first)) {
        Offer(delivery);
        continue;
      }
      const int64_t after = rule != nullptr && rule->receipt_after
                                ? rule->receipt_after->At(sms_script_.Chance(pdu.destination.digits))
                                : fate.receipt_after_us;
      loop_.After(after, [this, delivery] { Offer(delivery); });
    }
  }
}

void Smsc::Impl::PlanReply(const std::string& account, const Pdu& pdu, const Fate& fate,
                           const SmsRule* rule) {
  const bool scripted = rule != nullptr && !rule->reply.empty();
  if (!scripted && fate.stop_after_us < 0) return;
  if (!replied_.insert(pdu.destination.digits).second) return;
  if (!scripted)
    return Say(account, pdu.destination, pdu.source, "STOP", SmsRule::ReplyForm::kPlain, fate.stop_after_us);
  const int64_t after =
      rule->reply_after ? rule->reply_after->At(sms_script_.Chance(pdu.destination.digits)) : 0;
  Say(account, pdu.destination, pdu.source, rule->reply, rule->reply_form, after);
}

void Smsc::Impl::Say(const std::string& account, const smpp::Address& from, const smpp::Address& to,
                     const std::string& text, SmsRule::ReplyForm form, int64_t after_us) {
  using Form = SmsRule::ReplyForm;
  const bool wide = form == Form::kUcs2 || !IsPlain(text);
  const std::string octets = wide ? ToUcs2(text) : text;
  // In two parts at least when parts are asked for: that is what is to be shown.
  const bool split = form == Form::kUdh || form == Form::kSar || octets.size() > 140;
  const size_t most = !split ? 140 : std::clamp<size_t>((octets.size() / 2 + 3) / 2 * 2, 2, kPartOctets);
  const size_t total = std::max<size_t>(1, (octets.size() + most - 1) / most);
  const uint64_t reference = next_id_++;
  for (size_t part = 0; part < total; ++part) {
    auto delivery = std::make_shared<Delivery>();
    delivery->account = account;
    delivery->reply = true;
    delivery->text = text;
    delivery->source = from.digits;
    delivery->dest = to.digits;
    Pdu pdu;
    pdu.command = smpp::kDeliverSm;
    pdu.source = from;
    pdu.destination = to;
    pdu.data_coding = wide ? 8 : 0;
    pdu.short_message = octets.substr(part * most, most);
    const char ref = static_cast<char>(reference & 0xFF), parts = static_cast<char>(total),
               number = static_cast<char>(part + 1);
    if (total > 1 && form == Form::kSar) {
      pdu.tlvs.push_back({smpp::kSarReference, std::string{'\0', ref}});
      pdu.tlvs.push_back({smpp::kSarTotal, std::string(1, parts)});
      pdu.tlvs.push_back({smpp::kSarPart, std::string(1, number)});
    } else if (total > 1) {
      pdu.esm_class = kHasHeader;
      pdu.short_message = std::string{'\x05', '\x00', '\x03', ref, parts, number} + pdu.short_message;
    }
    pdu.tlvs.push_back({kReplyIdTlv, fmt::format("{}r{:08x}{}", id_prefix_, reference,
                                                 total > 1 ? fmt::format("p{}", part + 1) : "")});
    delivery->frame = smpp::Encode(pdu);
    loop_.After(after_us, [this, delivery] { Offer(delivery); });
  }
}

}  // namespace pharos::sandbox
