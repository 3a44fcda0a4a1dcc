// One attempt as SMPP sees it: its parts, ready to be written, and what their fates add up to. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/sdk/work_book.h"
#include "connectors/smpp/pdu.h"
#include "connectors/smpp/status.h"
#include "services/content/sms_text.h"

namespace pharos::smpp {

namespace work = ::pharos::dispatch::internal::v1;

enum class PartState {
  kWaiting,  // no octet has left
  kWriting,  // some have
  kSent,     // the completing byte was written
  kAccepted,
  kRejected,
  kNoAnswer,  // the completing byte was written, the answer is lost
  kNotSent,   // the completing byte was not written and never will be
};

struct Part {
  std::string frame;  // a whole submit_sm; kept after it was written while another part may still fail
  uint32_t sequence = 0;
  PartState state = PartState::kWaiting;
  uint32_t status = 0;
  std::string provider_id;
  int64_t sent_us = 0;  // when the completing byte was written
  int segments = 1;     // what the provider charges for it
  bool open = false;    // begun, and nothing shows yet that its octets have arrived
};

// What was said of it.
enum class Told { kNothing, kDoubt, kFate };

struct Submission {
  sdk::Task task;
  std::vector<Part> parts;
  std::string not_sent_reason = "LEASE_OVER";
  bool never = false;             // not sent, and no later permit changes that
  int64_t not_sent_retry_ms = 0;  // not sent, and not worth trying sooner; 0 = dispatch decides
  std::string no_answer_reason = "LINK_LOST";
  int open_parts = 0;   // the hard stop holds while there are any
  bool queued = false;  // stands among those that wait
  Told told = Told::kNothing;

  bool Settled() const;  // no part waits, is being written or lacks its answer
  bool Begun() const;    // some part is more than waiting
  int SegmentsWaiting() const;
  size_t FirstWaiting() const;                    // its index, or parts.size()
  bool NothingToWrite() const;                    // no part waits or is being written
  void GiveUpWaiting(const std::string& reason);  // parts not begun are not sent
};

enum class LongForm { kUdh, kSar, kPayload };

struct SubmitSettings {
  int source_ton = -1, source_npi = -1;        // -1: letters 5/0, short codes as below, longer digits 1/1
  int short_code_ton = 3, short_code_npi = 0;  // of a sender of 3–8 digits that is no number in E.164
  int dest_ton = 1, dest_npi = 1;
  LongForm long_form = LongForm::kUdh;
  bool latin1 = false;  // data_coding 0 means Latin-1 to this provider, not GSM
  int receipts = 1;     // registered_delivery
  int priority = 0;     // priority_flag, 0–3
  content::SmsOptions text = {};
};

// Letters of an alphanumeric sender: 3GPP TS 23.040, 9.1.2.5, gives it 10 octets, which hold 11 septets.
inline constexpr size_t kMostSenderSeptets = 11;

// Encodes the whole message. INVALID_ARGUMENT (NOT_ENCODABLE, SENDER_TOO_LONG) if it can never be sent.
// `next_sequence` numbers the parts; `reference` is that of a message in parts. Each part asks for a receipt
// and carries user_message_reference = the last two octets of the attempt id, big-endian (its low 16 bits).
absl::StatusOr<Submission> MakeSubmission(sdk::Task task, const SubmitSettings& settings, uint16_t reference,
                                          const std::function<uint32_t()>& next_sequence);
// Of a settled submission: all parts accepted, or none sent, or in doubt; a message that is known to be
// incomplete is Rejected PARTIAL for good. elapsed_us counts to the last completing byte.
work::Outcome OutcomeOf(const Submission& submission, const StatusRules& rules = {});
// Gives a part that the provider refused for now another number, to be written once more: the rest of its
// message is there already. Its frame must still be kept.
void Renumber(Part& part, uint32_t sequence);
// "000000000130000R" for 90 s; "" for 0 (provider's default). At most 99 days.
std::string ValidityPeriod(int64_t seconds);
int ReferenceOf(const std::string& attempt_id);

}  // namespace pharos::smpp
