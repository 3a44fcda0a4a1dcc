// One attempt as SMTP sees it: an envelope and the octets of DATA. Pure.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connectors/sdk/work_book.h"
#include "connectors/smtp/conversation.h"
#include "connectors/smtp/dkim.h"

namespace pharos::smtp {

struct Submission {
  sdk::Task task;
  Envelope envelope;
  std::string domain;  // of the recipient, A-labels, lower case
  std::string data;    // dot-stuffed, ends with CRLF; the final dot line is not part of it
};

// What all messages of a route have in common.
struct Letterhead {
  std::string bounce_domain;                 // of return paths and unsubscribe addresses
  std::string token_key;                     // see address_token.h
  std::string feedback_id;                   // last part of Feedback-ID; empty = no such header
  std::shared_ptr<const DkimSigner> signer;  // null = unsigned
};

// INVALID_ARGUMENT (NOT_ENCODABLE) if it can never be sent; INTERNAL (DKIM_FAILED). Message-ID names the
// attempt. Thread-safe: the signature is the dear part and is made in workers.
absl::StatusOr<Submission> MakeSubmission(sdk::Task task, const Letterhead& head, int64_t wall_us);

}  // namespace pharos::smtp
