#include "connectors/smtp/submission.h"

#include <fmt/format.h>

#include "connectors/smtp/address_token.h"
#include "connectors/smtp/mime.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::smtp {

absl::StatusOr<Submission> MakeSubmission(sdk::Task task, const std::string& bounce_domain,
                                          const std::string& token_key, int64_t wall_us) {
  const work::Attempt& attempt = task.attempt;
  if (attempt.id().size() != kAttemptBytes)
    return base::MakeError(absl::StatusCode::kInvalidArgument, "NOT_ENCODABLE",
                           "the attempt's id has no 16 bytes");
  auto address = [&](AddressKind kind) {
    return fmt::format("{}@{}", LocalPartFor({kind, attempt.id()}, token_key), bounce_domain);
  };
  const std::string hex = base::ToHex(attempt.id());
  Mail mail;
  mail.from = attempt.sender();
  mail.from_name = attempt.email().from_name();
  mail.to = attempt.address();
  mail.subject = attempt.email().subject();
  mail.text = attempt.text();
  mail.html = attempt.email().html();
  mail.message_id = fmt::format("{}@{}", hex, mail.from.substr(mail.from.rfind('@') + 1));
  mail.date_us = wall_us;
  if (attempt.email().list_unsubscribe()) mail.unsubscribe = address(AddressKind::kUnsubscribe);
  PHAROS_ASSIGN_OR_RETURN(std::string message, WriteMail(mail));
  Submission submission;
  submission.data = DotStuffed(message);
  submission.envelope = {address(AddressKind::kBounce), mail.to, hex, message.size(),
                         !IsAscii(mail.to) || !IsAscii(mail.from)};
  submission.task = std::move(task);
  return submission;
}

}  // namespace pharos::smtp
