// Mail that comes back: fields, delivery status notifications, complaints, bounces in words, unsubscribe
// mails. A notification that we write around what was read says the same again.
#include "connectors/smtp/dsn.h"
#include "connectors/smtp/inbound.h"
#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::smtp;  // NOLINT

namespace {

std::string Rewritten(const Dsn& dsn) {
  std::string mail =
      "Content-Type: multipart/report; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: "
      "message/delivery-status\r\n\r\n";
  mail += "Reporting-MTA: dns; mx.example.org\r\n\r\n";
  for (const auto& recipient : dsn.recipients) {
    mail += "Final-Recipient: rfc822; a@example.org\r\n";
    switch (recipient.action) {
      case DsnAction::kFailed:
        mail += "Action: failed\r\n";
        break;
      case DsnAction::kDelayed:
        mail += "Action: delayed\r\n";
        break;
      case DsnAction::kDelivered:
        mail += "Action: delivered\r\n";
        break;
      case DsnAction::kRelayed:
        mail += "Action: relayed\r\n";
        break;
      case DsnAction::kExpanded:
        mail += "Action: expanded\r\n";
        break;
      case DsnAction::kNone:
        break;
    }
    mail += "Status: " + recipient.status.Text() + "\r\n\r\n";
  }
  return mail + "--b--\r\n";
}

}  // namespace

FUZZ(data) {
  std::string_view rest = data;
  const Fields fields = ReadFields(rest);
  CHECK(fields.size() <= kMaxFields && rest.size() <= data.size());
  (void)IsAutomaticAnswer(fields);
  const auto parts = ReadParts(data);
  CHECK(parts.size() <= kMaxParts);
  for (const MailPart& part : parts) {
    CHECK(part.body.size() <= data.size());
    CHECK(TextOf(part, 1000).size() <= 4000);
  }
  (void)ReadWordBounce(data);
  if (const auto complaint = ReadComplaint(data))
    CHECK(complaint->feedback_type == pharos::base::LowerAscii(complaint->feedback_type));
  if (const auto dsn = ReadDsn(data)) {
    CHECK(!dsn->recipients.empty() && dsn->recipients.size() <= kMaxRecipients);
    const auto again = ReadDsn(Rewritten(*dsn));
    CHECK(again && again->recipients.size() == dsn->recipients.size());
    for (size_t i = 0; i < dsn->recipients.size(); ++i) {
      CHECK(again->recipients[i].action == dsn->recipients[i].action);
      CHECK(again->recipients[i].status == dsn->recipients[i].status);
    }
  }
  for (AddressKind kind : {AddressKind::kBounce, AddressKind::kUnsubscribe}) {
    const TokenAddress address{kind, std::string(kAttemptBytes, 'a')};
    const auto inbound = ReadInbound(address, "b+x@example.org", "", data, 1);
    if (!inbound) continue;
    CHECK(inbound->receipt.has_value() != inbound->message.has_value());
    CHECK(inbound->key == ReadInbound(address, "b+x@example.org", "", data, 1)->key);
    if (inbound->receipt) CHECK(pharos::base::IsUtf8(inbound->receipt->error_code()));
    if (inbound->message)
      CHECK(pharos::base::IsUtf8(inbound->message->text()) && pharos::base::IsUtf8(inbound->message->from()));
  }
}
