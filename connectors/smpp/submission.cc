#include "connectors/smpp/submission.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/content/sms_text.h"

namespace pharos::smpp {
namespace {

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

absl::Status NotEncodable(const char* why) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "NOT_ENCODABLE", why);
}

// Short codes have up to 8 digits in some countries; a number in E.164 here has at least 9.
constexpr size_t kMostShortCode = 8;

Address SourceOf(const std::string& sender, const SubmitSettings& settings) {
  Address source{5, 0, sender};
  if (AllDigits(sender))
    source = sender.size() <= kMostShortCode ? Address{static_cast<uint8_t>(settings.short_code_ton),
                                                       static_cast<uint8_t>(settings.short_code_npi), sender}
                                             : Address{1, 1, sender};
  if (settings.source_ton >= 0) source.ton = static_cast<uint8_t>(settings.source_ton);
  if (settings.source_npi >= 0) source.npi = static_cast<uint8_t>(settings.source_npi);
  return source;
}

// A network cuts it, or refuses it after the message is paid for.
bool TooLongInLetters(const Address& source) {
  if (source.ton != 5) return false;
  const auto letters = content::EncodeSms(source.digits);
  const bool gsm = letters.ok() && letters->encoding == content::SmsEncoding::kGsm7;
  const size_t septets = gsm && letters->parts.size() == 1 ? letters->parts[0].size() : source.digits.size();
  return septets > kMostSenderSeptets;
}

// User data header with these information elements; "" for none.
std::string UserDataHeader(std::string elements) {
  if (!elements.empty()) elements.insert(elements.begin(), static_cast<char>(elements.size()));
  return elements;
}

std::string Concatenated(bool wide, uint16_t reference, size_t total, size_t part) {
  auto octet = [](size_t value) { return static_cast<char>(value & 0xFF); };
  if (wide) return {8, 4, octet(reference >> 8), octet(reference), octet(total), octet(part)};
  return {0, 3, octet(reference), octet(total), octet(part)};
}

// Every part's septets as Latin-1 octets; false if some character has none.
bool ToLatin1(content::SmsText& text) {
  std::vector<std::string> parts;
  for (const auto& part : text.parts) {
    std::string octets;
    std::string utf8 = content::DecodeGsm7(part);
    for (size_t i = 0; i < utf8.size(); ++i) {
      auto c = static_cast<unsigned char>(utf8[i]);
      if (c < 0x80) {
        octets.push_back(utf8[i]);
      } else if ((c & 0xFC) == 0xC0 && i + 1 < utf8.size()) {
        octets.push_back(static_cast<char>((c & 3) << 6 | (utf8[++i] & 0x3F)));
      } else {
        return false;
      }
    }
    parts.push_back(std::move(octets));
  }
  text.parts = std::move(parts);
  return true;
}

absl::StatusOr<content::SmsText> TextFor(std::string_view utf8, const SubmitSettings& settings) {
  auto text = content::EncodeSms(utf8, settings.text);
  if (!text.ok() || !settings.latin1 || text->encoding != content::SmsEncoding::kGsm7) return text;
  if (text->shift_header.empty() && ToLatin1(*text)) return text;
  content::SmsOptions wide = settings.text;
  wide.ucs2_only = true;
  return content::EncodeSms(utf8, wide);
}

Tlv OctetTlv(uint16_t tag, size_t value) {
  return {tag, std::string(1, static_cast<char>(value))};
}

// Puts part `index` of the text into the PDU, in the form that the provider wants.
void PutPart(Pdu& pdu, const content::SmsText& text, size_t index, const SubmitSettings& settings,
             uint16_t reference) {
  const size_t total = text.parts.size();
  std::string elements;
  if (total > 1 && settings.long_form == LongForm::kUdh)
    elements = Concatenated(settings.text.wide_reference, reference, total, index + 1);
  std::string header = UserDataHeader(elements + text.shift_header);
  pdu.esm_class = header.empty() ? 0 : 0x40;
  pdu.short_message = header + text.parts[index];
  if (total == 1 || settings.long_form != LongForm::kSar) return;
  pdu.tlvs.resize(1);  // user_message_reference stays
  pdu.tlvs.push_back(
      {kSarReference, {static_cast<char>(reference >> 8), static_cast<char>(reference & 0xFF)}});
  pdu.tlvs.push_back(OctetTlv(kSarTotal, total));
  pdu.tlvs.push_back(OctetTlv(kSarPart, index + 1));
}

void PutPayload(Pdu& pdu, const content::SmsText& text) {
  std::string header = UserDataHeader(text.shift_header), whole = header;
  for (const auto& part : text.parts) whole += part;
  pdu.esm_class = header.empty() ? 0 : 0x40;
  pdu.tlvs.push_back({kMessagePayload, std::move(whole)});
}

}  // namespace

bool Submission::Settled() const {
  return std::none_of(parts.begin(), parts.end(), [](const Part& p) { return p.state <= PartState::kSent; });
}

bool Submission::Begun() const {
  return std::any_of(parts.begin(), parts.end(),
                     [](const Part& p) { return p.state != PartState::kWaiting; });
}

int Submission::SegmentsWaiting() const {
  int segments = 0;
  for (const auto& part : parts) segments += part.state == PartState::kWaiting ? part.segments : 0;
  return segments;
}

size_t Submission::FirstWaiting() const {
  size_t index = 0;
  while (index < parts.size() && parts[index].state != PartState::kWaiting) ++index;
  return index;
}

bool Submission::NothingToWrite() const {
  return std::none_of(parts.begin(), parts.end(),
                      [](const Part& p) { return p.state <= PartState::kWriting; });
}

void Submission::GiveUpWaiting(const std::string& reason) {
  for (auto& part : parts)
    if (part.state == PartState::kWaiting) {
      part.state = PartState::kNotSent;
      not_sent_reason = reason;
    }
}

std::string ValidityPeriod(int64_t seconds) {
  if (seconds <= 0) return "";
  seconds = std::min<int64_t>(seconds, 99LL * 86400);
  return fmt::format("0000{:02}{:02}{:02}{:02}000R", seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60,
                     seconds % 60);
}

int ReferenceOf(const std::string& id) {
  if (id.size() < 2) return 0;
  return static_cast<uint8_t>(id[id.size() - 2]) << 8 | static_cast<uint8_t>(id[id.size() - 1]);
}

absl::StatusOr<Submission> MakeSubmission(sdk::Task task, const SubmitSettings& settings, uint16_t reference,
                                          const std::function<uint32_t()>& next_sequence) {
  const auto& attempt = task.attempt;
  if (!AllDigits(attempt.address()) || attempt.address().size() > 20)
    return NotEncodable("the number is not E.164 without '+'");
  if (attempt.sender().empty() || attempt.sender().size() > 20)
    return NotEncodable("the sender is empty or too long");
  const Address source = SourceOf(attempt.sender(), settings);
  if (TooLongInLetters(source))
    return base::MakeError(absl::StatusCode::kInvalidArgument, "SENDER_TOO_LONG",
                           "a sender in letters has at most 11 of them; choose a shorter one");
  auto text = TextFor(attempt.text(), settings);
  if (!text.ok()) return NotEncodable("the text is not UTF-8 or too long");
  int umr = ReferenceOf(attempt.id());

  Pdu pdu;
  pdu.command = kSubmitSm;
  pdu.source = source;
  pdu.destination = {static_cast<uint8_t>(settings.dest_ton), static_cast<uint8_t>(settings.dest_npi),
                     attempt.address()};
  pdu.validity_period = ValidityPeriod(attempt.validity_s());
  pdu.registered_delivery = static_cast<uint8_t>(settings.receipts);
  pdu.priority = static_cast<uint8_t>(settings.priority);
  pdu.data_coding = text->encoding == content::SmsEncoding::kUcs2 ? 8 : 0;
  pdu.tlvs = {{kUserMessageReference, {static_cast<char>(umr >> 8), static_cast<char>(umr & 0xFF)}}};

  Submission submission;
  const bool one_payload = text->parts.size() > 1 && settings.long_form == LongForm::kPayload;
  const size_t frames = one_payload ? 1 : text->parts.size();
  submission.parts.reserve(frames);
  for (size_t i = 0; i < frames; ++i) {
    pdu.sequence = next_sequence();
    if (one_payload)
      PutPayload(pdu, *text);
    else
      PutPart(pdu, *text, i, settings, reference);
    Part part;
    part.frame = Encode(pdu);
    part.sequence = pdu.sequence;
    part.segments = one_payload ? static_cast<int>(text->parts.size()) : 1;
    submission.parts.push_back(std::move(part));
  }
  submission.task = std::move(task);
  return submission;
}

void Renumber(Part& part, uint32_t sequence) {
  part.sequence = sequence;
  for (int i = 0; i < 4; ++i) part.frame[12 + i] = static_cast<char>(sequence >> (24 - 8 * i) & 0xFF);
}

work::Outcome OutcomeOf(const Submission& submission, const StatusRules& rules) {
  work::Outcome outcome;
  outcome.set_id(submission.task.attempt.id());
  size_t accepted = 0, rejected = 0, unknown = 0, not_sent = 0;
  uint32_t status = 0;
  int64_t handed_us = 0;
  for (const auto& part : submission.parts) {
    accepted += part.state == PartState::kAccepted;
    unknown += part.state == PartState::kNoAnswer;
    not_sent += part.state == PartState::kNotSent;
    if (part.state == PartState::kRejected && rejected++ == 0) status = part.status;
    handed_us = std::max(handed_us, part.sent_us);
  }
  if (handed_us > 0) outcome.set_elapsed_us(handed_us - submission.task.pull_sent_us);
  size_t parts = submission.parts.size();
  if (accepted == parts) {
    for (const auto& part : submission.parts) outcome.mutable_accepted()->add_provider_ids(part.provider_id);
  } else if (not_sent == parts) {
    outcome.mutable_refused()->set_reason(submission.not_sent_reason);
    outcome.mutable_refused()->set_permanent(submission.never);
    outcome.mutable_refused()->set_retry_after_ms(submission.not_sent_retry_ms);
  } else if (rejected > 0 && rejected + not_sent == parts) {
    *outcome.mutable_rejected() = RejectedFor(status, rules);
  } else if (rejected + not_sent == 0) {
    outcome.mutable_no_answer()->set_reason(submission.no_answer_reason);
  } else {
    outcome.mutable_rejected()->set_reason("PARTIAL");
    if (rejected > 0) outcome.mutable_rejected()->set_code(fmt::format("0x{:08X}", status));
  }
  return outcome;
}

}  // namespace pharos::smpp
