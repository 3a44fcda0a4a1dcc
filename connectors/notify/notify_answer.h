// What GOV.UK Notify answers, and what it means here. Pure functions of untrusted bytes: none throws, none
// keeps personal data in words for people. https://docs.notifications.service.gov.uk/rest-api.html (statuses,
// errors, limits)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/notify/request.h"
#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::notify {

// What is wrong with more than one message.
struct Trouble {
  std::string problem;    // as LinkState.problem; empty = nothing is wrong
  std::string words;      // for people
  int64_t pause_us = 0;   // nothing is sent for so long
  bool too_fast = false;  // only the rate is wrong
};

// The answer to a POST of one message.
struct SendVerdict {
  work::Outcome outcome;  // accepted (no provider ids for a smoke recipient's), rejected, or no_answer
  std::string notify_id;  // the provider's own id, if accepted
  Trouble trouble;
};

// `reference` is the attempt's id in hex: an answer about another one counts as none. `retry_after_s` is the
// header's, 0 = none. 5xx and 2xx that cannot be read are no answer: the provider may have the message.
SendVerdict JudgeSend(int status, std::string_view body, std::string_view reference, int retry_after_s,
                      int64_t wall_us);

// One message's failure, for good, and nothing else: no trouble, nothing is held.
void FailAlone(SendVerdict& verdict);

// What any other answer than 200 says about the link.
Trouble JudgeAsking(int status, std::string_view body, int retry_after_s, int64_t wall_us);

struct Notification {
  std::string id, reference, status;
  MessageKind kind = MessageKind::kSms;
  int64_t created_us = 0, completed_us = 0;  // since the epoch; 0 = not said
};

struct Page {
  std::vector<Notification> notifications;  // newest first
  bool more = false;                        // there is a next page, older than the last of these
};

// GET /v2/notifications. INVALID_ARGUMENT (ANSWER_WRONG) if anything in it is not as documented.
absl::StatusOr<Page> ReadPage(std::string_view body);
// GET /v2/notifications/{id}.
absl::StatusOr<Notification> ReadNotification(std::string_view body);

struct Template {
  std::string type, subject, body;
};
// GET /v2/template/{id}.
absl::StatusOr<Template> ReadTemplate(std::string_view body);
// Empty if it hands through what we render; else what to change.
std::string WrongWithTemplate(const Template& given, MessageKind kind);

// Nothing more will be heard of it: a receipt can be made.
bool IsFinal(std::string_view status);
// The receipt that this status stands for, if the reference is one of ours (32 hex digits) and the status
// says more than that the message was accepted. Its provider id is the reference.
std::optional<work::Receipt> ReceiptOf(const Notification& notification);

// "2026-11-23T12:15:30.000000Z", fraction optional; microseconds since the epoch, 0 for anything else.
int64_t ReadTime(std::string_view text);

}  // namespace pharos::notify
