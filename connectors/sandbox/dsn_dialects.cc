// Reports of failure as different mail servers lay them out, complaints and absence notes. The layouts follow
// RFC 3464, RFC 5965, RFC 3834 and the servers' habits; the words are our own.
#include <fmt/format.h>

#include "connectors/sandbox/dsn.h"

namespace pharos::sandbox {
namespace {

constexpr std::string_view kHost = "pharos-sandbox.invalid";

std::string Front(const DsnFacts& f, std::string_view from, std::string_view subject, std::string_view more) {
  return fmt::format(
      "From: {} <mailer-daemon@{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@{}>\r\n{}"
      "MIME-Version: 1.0\r\n",
      from, kHost, f.to, subject, MailDate(f.now_us), f.id, kHost, more);
}

struct Part {
  std::string type, body;
};

std::string Multipart(const DsnFacts& f, std::string_view report, std::initializer_list<Part> parts) {
  const std::string boundary = fmt::format("=_{}_=", f.id);
  std::string out = fmt::format("Content-Type: multipart/report; report-type={};\r\n boundary=\"{}\"\r\n\r\n",
                                report, boundary);
  for (const Part& part : parts)
    out += fmt::format("--{}\r\nContent-Type: {}\r\n\r\n{}\r\n", boundary, part.type, part.body);
  return out + fmt::format("--{}--\r\n", boundary);
}

std::string PlainText(std::string_view body) {
  return fmt::format("Content-Type: text/plain; charset=us-ascii\r\n\r\n{}", body);
}

// RFC 3464 fields; `diagnostic` as that server writes it.
std::string Status(const DsnFacts& f, std::string_view per_message, std::string_view diagnostic) {
  std::string out = fmt::format("Reporting-MTA: dns; {}\r\n{}", kHost, per_message);
  if (!f.envelope_id.empty()) out += fmt::format("Original-Envelope-Id: {}\r\n", f.envelope_id);
  out += fmt::format("Arrival-Date: {}\r\n\r\n", MailDate(f.arrival_us));
  if (!f.orcpt.empty()) out += fmt::format("Original-Recipient: {}\r\n", f.orcpt);
  return out + fmt::format("Final-Recipient: rfc822; {}\r\nAction: failed\r\nStatus: {}\r\n{}", f.recipient,
                           f.status, diagnostic);
}

std::string Postfix(const DsnFacts& f) {
  return Front(f, "Mail Delivery System", "Undelivered Mail Returned to Sender",
               "Auto-Submitted: auto-replied\r\n") +
         Multipart(
             f, "delivery-status",
             {{"text/plain; charset=us-ascii",
               fmt::format("This is the mail system at host {}.\r\n\r\nYour message did not reach:\r\n\r\n"
                           "<{}>: host mx.invalid[192.0.2.1] said: {} (in reply to RCPT TO command)\r\n",
                           kHost, f.recipient, DiagnosticOf(f.status))},
              {"message/delivery-status",
               Status(f, fmt::format("X-Queue-ID: {}\r\nX-Sender: rfc822; {}\r\n", f.id, f.to),
                      fmt::format("Remote-MTA: dns; mx.invalid\r\nDiagnostic-Code: smtp; {}\r\n",
                                  DiagnosticOf(f.status)))},
              {"text/rfc822-headers", f.headers}});
}

std::string Exchange(const DsnFacts& f) {
  const std::string text = fmt::format("Delivery has failed to these recipients:\r\n\r\n{}\r\n", f.recipient);
  return Front(f, "\"postmaster\"", "Undeliverable: your message", "Auto-Submitted: auto-replied\r\n") +
         Multipart(
             f, "delivery-status",
             {{"text/html; charset=utf-8", fmt::format("<html><body><p>{}</p></body></html>\r\n", text)},
              {"message/delivery-status",
               Status(f, "", fmt::format("Diagnostic-Code: smtp;{}\r\n", DiagnosticOf(f.status)))},
              {"message/rfc822", f.headers}});
}

std::string Gmail(const DsnFacts& f) {
  std::string_view words = DiagnosticOf(f.status);
  const std::string code(words.substr(0, 3)), text(words.substr(std::min<size_t>(4, words.size())));
  return Front(f, "Mail Delivery Subsystem", "Delivery Status Notification (Failure)",
               fmt::format("Auto-Submitted: auto-replied\r\nX-Failed-Recipients: {}\r\n", f.recipient)) +
         Multipart(
             f, "delivery-status",
             {{"text/plain; charset=UTF-8",
               fmt::format("** Address not found **\r\n\r\nYour message to {} did not arrive.\r\n",
                           f.recipient)},
              {"message/delivery-status",
               Status(f, "",
                      fmt::format("Remote-MTA: dns; mx.invalid. (192.0.2.1, the server of the domain.)\r\n"
                                  "Diagnostic-Code: smtp; {0}-{1}\r\n {0}-{2} Please check the address.\r\n"
                                  " {0} {2} id-of-the-session\r\n",
                                  code, text, f.status))},
              {"message/rfc822", f.headers}});
}

std::string Sendmail(const DsnFacts& f) {
  return Front(f, "Mail Delivery Subsystem", "Returned mail: see transcript for details",
               "Auto-Submitted: auto-generated (failure)\r\n") +
         Multipart(f, "delivery-status",
                   {{"text/plain",
                     fmt::format(
                         "   ----- These addresses failed for good -----\r\n<{}>\r\n    (reason: {})\r\n\r\n"
                         "   ----- Transcript of the session -----\r\n... while talking to mx.invalid.:\r\n"
                         ">>> DATA\r\n<<< {}\r\n",
                         f.recipient, DiagnosticOf(f.status), DiagnosticOf(f.status))},
                    {"message/delivery-status",
                     Status(f, "Received-From-MTA: DNS; sender.invalid\r\n",
                            fmt::format("Remote-MTA: DNS; mx.invalid\r\nDiagnostic-Code: SMTP; {}\r\n"
                                        "Last-Attempt-Date: {}\r\n",
                                        DiagnosticOf(f.status), MailDate(f.now_us)))},
                    {"text/rfc822-headers", f.headers}});
}

std::string Exim(const DsnFacts& f) {
  return Front(f, "Mail Delivery System", "Mail delivery failed: returning message to sender",
               fmt::format("X-Failed-Recipients: {}\r\nAuto-Submitted: auto-replied\r\n", f.recipient)) +
         PlainText(fmt::format("This message was made by mail software.\r\n\r\nA message of yours could not "
                               "be delivered. These "
                               "address(es) failed:\r\n\r\n  {}\r\n    host mx.invalid [192.0.2.1]\r\n    "
                               "SMTP error from remote "
                               "mail server after RCPT TO:<{}>:\r\n    {}\r\n\r\n------ This is a copy of "
                               "the message, including "
                               "all the headers. ------\r\n\r\n{}",
                               f.recipient, f.recipient, DiagnosticOf(f.status), f.headers));
}

// Bernstein's QSBMF.
std::string Qmail(const DsnFacts& f) {
  return Front(f, "Mail Daemon", "failure notice", "") +
         PlainText(fmt::format(
             "Hi. This is the qmail-send program at {}.\r\nI could not deliver your message; this is for "
             "good.\r\n\r\n<{}>:\r\n192.0.2.1 does not like recipient.\r\nRemote host said: {}\r\nGiving up "
             "on "
             "192.0.2.1.\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <{}>\r\n{}",
             kHost, f.recipient, DiagnosticOf(f.status), f.to, f.headers));
}

}  // namespace

std::string DialectMessage(const DsnFacts& f) {
  if (f.dialect == "exchange") return Exchange(f);
  if (f.dialect == "gmail") return Gmail(f);
  if (f.dialect == "sendmail") return Sendmail(f);
  if (f.dialect == "exim") return Exim(f);
  if (f.dialect == "qmail") return Qmail(f);
  return Postfix(f);
}

std::string ComplaintMessage(const DsnFacts& f) {
  return Front(f, "Feedback", "FW: your message", "") +
         Multipart(f, "feedback-report",
                   {{"text/plain; charset=us-ascii", "A reader says that this message was not wanted.\r\n"},
                    {"message/feedback-report",
                     fmt::format("Feedback-Type: abuse\r\nUser-Agent: pharos-sandbox/1\r\nVersion: 1\r\n"
                                 "Original-Mail-From: <{}>\r\nArrival-Date: {}\r\n",
                                 f.to, MailDate(f.arrival_us))},
                    {"message/rfc822", f.headers}});
}

std::string AutoReplyMessage(const DsnFacts& f) {
  return fmt::format(
             "From: <{}>\r\nTo: <{}>\r\nSubject: Automatic reply\r\nDate: {}\r\nMessage-ID: <{}@{}>\r\n"
             "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n",
             f.recipient, f.to, MailDate(f.now_us), f.id, kHost) +
         PlainText("I am away until Monday. Please stop by the front desk.\r\n");
}

}  // namespace pharos::sandbox
