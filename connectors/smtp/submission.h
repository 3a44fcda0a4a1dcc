// One attempt as SMTP sees it: an envelope and the octets of DATA. Pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "connectors/sdk/work_book.h"
#include "connectors/smtp/conversation.h"

namespace pharos::smtp {

struct Submission {
  sdk::Task task;
  Envelope envelope;
  std::string data;  // dot-stuffed, ends with CRLF; the final dot line is not part of it
};

// INVALID_ARGUMENT (NOT_ENCODABLE) if it can never be sent. Message-ID is the attempt's id at the sender's
// domain.
absl::StatusOr<Submission> MakeSubmission(sdk::Task task, const std::string& bounce_domain,
                                          const std::string& token_key, int64_t wall_us);

}  // namespace pharos::smtp
