// What mail servers and people send back: delivery status notifications (RFC 3464) and unsubscribe mails.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/sandbox/mime.h"

namespace pharos::sandbox {

struct DsnFacts {
  std::string id;           // of this notification
  std::string to;           // the message's envelope sender
  std::string recipient;    // whom it could not (or could) be delivered to
  std::string orcpt;        // ORCPT of the RCPT command ("rfc822;…", xtext); "" = none
  std::string envelope_id;  // ENVID of the MAIL command, decoded; "" = none
  std::string action;       // "failed", "delivered"
  std::string status;       // "5.1.1"
  std::string headers;      // of the message, as received
  // How it is laid out: "plain"; "postfix", "exchange", "gmail", "sendmail" (RFC 3464 with each one's
  // habits); "exim", "qmail" (text only). Our own words in the layouts that those servers are known for.
  std::string dialect = "plain";
  int64_t arrival_us = 0, now_us = 0;
};
// The whole message, CR LF line ends, ASCII but for the copied headers.
std::string DsnMessage(const DsnFacts& facts);
// A failure in facts.dialect; DsnMessage uses it.
std::string DialectMessage(const DsnFacts& facts);
// The words for a status: "5.1.1" → "550 5.1.1 There is nobody of that name here".
std::string_view DiagnosticOf(std::string_view status);

// RFC 5965: a mailbox provider tells that the recipient called it spam. The recipient is left out, as most
// do.
std::string ComplaintMessage(const DsnFacts& facts);
// RFC 3834: an absence note.
std::string AutoReplyMessage(const DsnFacts& facts);

// A mail to the List-Unsubscribe address from the person at `from`.
std::string UnsubscribeMessage(const Mailto& mailto, std::string_view from, std::string_view id,
                               int64_t now_us);

// "Mon, 20 Mar 2017 08:53:20 +0000".
std::string MailDate(int64_t wall_us);

}  // namespace pharos::sandbox
