#include "connectors/sandbox/dsn.h"

#include <fmt/format.h>

#include <ctime>

#include "services/base/text.h"

namespace pharos::sandbox {
namespace {

constexpr std::string_view kHost = "pharos-sandbox.invalid";

bool IsAscii(std::string_view text) {
  for (char c : text)
    if (c & 0x80) return false;
  return true;
}

// RFC 6533, utf-8-addr-xtext: every character past ASCII as \x{…}, so that the report needs no SMTPUTF8.
std::string Utf8AddressText(std::string_view address) {
  std::string out;
  for (size_t i = 0; i < address.size();) {
    unsigned char c = static_cast<unsigned char>(address[i]);
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
    uint32_t code = more == 0 ? c : c & (0x3Fu >> more);
    for (int k = 1; k <= more && i + k < address.size(); ++k)
      code = code << 6 | (static_cast<unsigned char>(address[i + k]) & 0x3Fu);
    out += c < 0x80 ? std::string(1, static_cast<char>(c)) : fmt::format("\\x{{{:X}}}", code);
    i += static_cast<size_t>(more) + 1;
  }
  return out;
}

std::string TypedAddress(std::string_view address) {
  return IsAscii(address) ? fmt::format("rfc822; {}", address)
                          : fmt::format("utf-8; {}", Utf8AddressText(address));
}

std::string StatusPart(const DsnFacts& f) {
  std::string out = "Content-Type: message/delivery-status\r\n\r\n";
  out += fmt::format("Reporting-MTA: dns; {}\r\n", kHost);
  if (!f.envelope_id.empty()) out += fmt::format("Original-Envelope-Id: {}\r\n", f.envelope_id);
  out += fmt::format("Arrival-Date: {}\r\n\r\n", MailDate(f.arrival_us));
  if (!f.orcpt.empty()) out += fmt::format("Original-Recipient: {}\r\n", f.orcpt);
  out += fmt::format("Final-Recipient: {}\r\nAction: {}\r\nStatus: {}\r\n", TypedAddress(f.recipient),
                     f.action, f.status);
  if (f.action == "failed") out += fmt::format("Diagnostic-Code: smtp; {}\r\n", DiagnosticOf(f.status));
  return out + fmt::format("Last-Attempt-Date: {}\r\n\r\n", MailDate(f.now_us));
}

}  // namespace

std::string MailDate(int64_t wall_us) {
  std::time_t seconds = wall_us / 1'000'000;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", kDays[tm.tm_wday], tm.tm_mday,
                     kMonths[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

std::string_view DiagnosticOf(std::string_view status) {
  if (status == "5.1.1") return "550 5.1.1 There is nobody of that name here";
  if (status == "5.2.2") return "552 5.2.2 The mailbox is full";
  if (status == "2.0.0") return "250 2.0.0 Delivered";
  return "550 5.0.0 Not delivered";
}

std::string DsnMessage(const DsnFacts& f) {
  if (f.dialect != "plain" && f.action == "failed") return DialectMessage(f);
  const bool failed = f.action == "failed";
  const std::string boundary = fmt::format("=_{}_=", f.id);
  std::string out = fmt::format(
      "From: Mail Delivery System <mailer-daemon@{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {}\r\n"
      "Message-ID: <{}@{}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"{}\"\r\n\r\n",
      kHost, f.to, failed ? "Undelivered Mail Returned to Sender" : "Successful Mail Delivery Report",
      MailDate(f.now_us), f.id, kHost, boundary);
  out += fmt::format("--{}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{}\r\n\r\n", boundary,
                     failed ? "Your message could not be delivered. The details follow."
                            : "Your message was delivered. The details follow.");
  out += fmt::format("--{}\r\n{}", boundary, StatusPart(f));
  out += fmt::format("--{}\r\nContent-Type: text/rfc822-headers\r\n\r\n{}", boundary, f.headers);
  return out + fmt::format("\r\n--{}--\r\n", boundary);
}

std::string UnsubscribeMessage(const Mailto& mailto, std::string_view from, std::string_view id,
                               int64_t now_us) {
  return fmt::format(
      "From: <{}>\r\nTo: <{}>\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@{}>\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
      from, mailto.address, mailto.subject.empty() ? "unsubscribe" : mailto.subject, MailDate(now_us), id,
      kHost, mailto.body.empty() ? "unsubscribe" : mailto.body);
}

}  // namespace pharos::sandbox
