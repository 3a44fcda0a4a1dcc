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

Address SourceOf(const std::string& sender, const SubmitSettings& settings) {
  Address source{5, 0, sender};
  if (AllDigits(sender)) source = sender.size() <= 6 ? Address{3, 0, sender} : Address{1, 1, sender};
  if (settings.source_ton >= 0) source.ton = static_cast<uint8_t>(settings.source_ton);
  if (settings.source_npi >= 0) source.npi = static_cast<uint8_t>(settings.source_npi);
  return source;
}

std::string ConcatenationHeader(uint8_t reference, size_t total, size_t part) {
  return {5, 0, 3, static_cast<char>(reference), static_cast<char>(total), static_cast<char>(part)};
}

}  // namespace

bool Submission::Settled() const {
  return std::none_of(parts.begin(), parts.end(), [](const Part& p) { return p.state <= PartState::kSent; });
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

absl::StatusOr<Submission> MakeSubmission(sdk::Task task, const SubmitSettings& settings, uint8_t reference,
                                          const std::function<uint32_t()>& next_sequence) {
  const auto& attempt = task.attempt;
  if (!AllDigits(attempt.address()) || attempt.address().size() > 20)
    return NotEncodable("the number is not E.164 without '+'");
  if (attempt.sender().empty() || attempt.sender().size() > 20)
    return NotEncodable("the sender is empty or too long");
  auto text = content::EncodeSms(attempt.text());
  if (!text.ok()) return NotEncodable("the text is not UTF-8 or too long");
  if (text->parts.empty()) text->parts.emplace_back();
  bool concatenated = text->parts.size() > 1;
  int umr = ReferenceOf(attempt.id());

  Pdu pdu;
  pdu.command = kSubmitSm;
  pdu.source = SourceOf(attempt.sender(), settings);
  pdu.destination = {1, 1, attempt.address()};
  pdu.esm_class = concatenated ? 0x40 : 0;
  pdu.validity_period = ValidityPeriod(attempt.validity_s());
  pdu.registered_delivery = 1;
  pdu.data_coding = text->encoding == content::SmsEncoding::kUcs2 ? 8 : 0;
  pdu.tlvs = {{kUserMessageReference, {static_cast<char>(umr >> 8), static_cast<char>(umr & 0xFF)}}};

  Submission submission;
  for (size_t i = 0; i < text->parts.size(); ++i) {
    pdu.sequence = next_sequence();
    pdu.short_message =
        (concatenated ? ConcatenationHeader(reference, text->parts.size(), i + 1) : "") + text->parts[i];
    Part part;
    part.frame = Encode(pdu);
    part.sequence = pdu.sequence;
    submission.parts.push_back(std::move(part));
  }
  submission.task = std::move(task);
  return submission;
}

work::Rejected RejectedFor(uint32_t status) {
  work::Rejected rejected;
  rejected.set_code(fmt::format("0x{:08X}", status));
  auto say = [&](const char* reason, bool transient, int64_t retry_after_ms) {
    rejected.set_reason(reason);
    rejected.set_transient(transient);
    rejected.set_retry_after_ms(retry_after_ms);
    return rejected;
  };
  switch (status) {
    case kThrottled:
      return say("THROTTLED", true, 1'000);
    case kQueueFull:
      return say("QUEUE_FULL", true, 10'000);
    case kSystemError:
    case kSubmitFailed:
    case kTemporaryAppError:
      return say("PROVIDER_ERROR", true, 30'000);
    case kInvalidBindStatus:
      return say("NOT_BOUND", true, 1'000);
    case kInvalidDestination:
    case kInvalidDestinationTon:
    case kInvalidDestinationNpi:
    case kInvalidDestinationFlag:
      return say("INVALID_NUMBER", false, 0);
    case kInvalidSource:
    case kInvalidSourceTon:
    case kInvalidSourceNpi:
      return say("INVALID_SENDER", false, 0);
    case kInvalidMessageLength:
    case kInvalidDataCoding:
      return say("INVALID_TEXT", false, 0);
    default:
      return say("PROVIDER_ERROR", false, 0);
  }
}

work::Outcome OutcomeOf(const Submission& submission) {
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
  } else if (rejected > 0 && rejected + not_sent == parts) {
    *outcome.mutable_rejected() = RejectedFor(status);
  } else if (rejected + not_sent == 0) {
    outcome.mutable_no_answer()->set_reason(submission.no_answer_reason);
  } else {
    outcome.mutable_rejected()->set_reason("PARTIAL");
    if (rejected > 0) outcome.mutable_rejected()->set_code(fmt::format("0x{:08X}", status));
  }
  return outcome;
}

}  // namespace pharos::smpp
