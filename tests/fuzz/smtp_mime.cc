// Emails from anything: what is written has seven bits, short lines, exactly our headers, and is read back as
// it was given by a reader that shares no code with the writer.
#include "connectors/sandbox/mime.h"
#include "connectors/smtp/mime.h"
#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos;  // NOLINT

namespace {

void CheckLines(std::string_view written) {
  size_t at = 0;
  while (at < written.size()) {
    const size_t end = written.find("\r\n", at);
    CHECK(end != std::string_view::npos && end - at <= 998);
    CHECK(written.substr(at, end - at).find_first_of(std::string_view("\r\n\0", 3)) ==
          std::string_view::npos);
    at = end + 2;
  }
}

// Line ends of any kind are LF, and none is at the end.
std::string Plain(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace

FUZZ(data) {
  fuzz::Input in(data);
  smtp::Mail mail;
  mail.message_id = "0123@example.test";
  mail.from = std::string(in.Line());
  mail.from_name = std::string(in.Line());
  mail.to = std::string(in.Line());
  mail.subject = std::string(in.Line());
  mail.text = std::string(in.Rest());
  (void)smtp::IsAddress(data);
  CheckLines(smtp::QuotedPrintable(data) + "\r\n");
  const auto written = smtp::WriteMail(mail);
  if (!written.ok()) {
    mail.from = "a@example.org";
    mail.to = "b@example.org";
  }
  const auto again = written.ok() ? written : smtp::WriteMail(mail);
  if (!again.ok()) return;
  CheckLines(*again);
  const auto entity = sandbox::ParseEntity(*again);
  int subjects = 0;
  for (const auto& [name, value] : entity.headers) {
    subjects += name == "subject";
    CHECK(name != "bcc" && name != "x");  // nothing from outside adds a header
  }
  CHECK(subjects == 1);
  if (!base::IsUtf8(mail.text) || !base::IsUtf8(mail.subject)) return;
  const auto text = sandbox::PartOf(*again, "text/plain");
  CHECK(text.has_value() && Plain(*text) == Plain(mail.text));
  const std::string stuffed = smtp::DotStuffed(*again);
  CHECK(stuffed.find("\r\n.\r\n") == std::string::npos && stuffed.substr(0, 3) != ".\r\n");
}
