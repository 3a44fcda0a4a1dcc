#include "connectors/smtp/submission.h"

#include <fmt/format.h>

#include "connectors/smtp/address_token.h"
#include "connectors/smtp/idn.h"
#include "connectors/smtp/mime.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::smtp {

absl::StatusOr<Submission> MakeSubmission(sdk::Task task, const Letterhead& head, int64_t wall_us) {
  const work::Attempt& attempt = task.attempt;
  auto wrong = [](const char* words) {
    return base::MakeError(absl::StatusCode::kInvalidArgument, "NOT_ENCODABLE", words);
  };
  if (attempt.id().size() != kAttemptBytes) return wrong("the attempt's id has no 16 bytes");
  auto to = WithAsciiDomain(attempt.address());
  auto from = WithAsciiDomain(attempt.sender());
  if (!to || !from) return wrong("an address has a domain that no host can have");
  auto address = [&](AddressKind kind) {
    return fmt::format("{}@{}", LocalPartFor({kind, attempt.id()}, head.token_key), head.bounce_domain);
  };
  Mail mail;
  mail.from = *from;
  mail.from_name = attempt.email().from_name();
  mail.to = *to;
  mail.subject = attempt.email().subject();
  mail.text = attempt.text();
  mail.html = attempt.email().html();
  mail.message_id = MessageIdFor(attempt.id(), DomainOf(mail.from), head.token_key);
  mail.date_us = wall_us;
  mail.one_click = attempt.email().one_click_url();
  if (attempt.email().list_unsubscribe() || !mail.one_click.empty())
    mail.unsubscribe = address(AddressKind::kUnsubscribe);
  if (!head.feedback_id.empty()) mail.feedback_id = fmt::format("email:pharos:{}", head.feedback_id);
  PHAROS_ASSIGN_OR_RETURN(std::string message, WriteMail(mail));
  if (head.signer) {
    PHAROS_ASSIGN_OR_RETURN(std::string signatures, head.signer->Sign(message, wall_us));
    message.insert(0, signatures);
  }
  Submission submission;
  submission.data = DotStuffed(message);
  submission.domain = DomainOf(mail.to);
  submission.envelope = {address(AddressKind::kBounce), mail.to, base::ToHex(attempt.id()), message.size(),
                         !IsAscii(mail.to) || !IsAscii(mail.from)};
  submission.task = std::move(task);
  return submission;
}

}  // namespace pharos::smtp
