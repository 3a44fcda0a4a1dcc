// Templates and Markdown: values are data wherever they stand. What a value says never becomes markup, a link
// or a header, and the plain part and the document are UTF-8.
#include "services/base/text.h"
#include "services/content/email_text.h"
#include "services/content/template.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::content;  // NOLINT

namespace {

size_t CountOf(std::string_view text, std::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

FUZZ(data) {
  pharos::fuzz::Input in(data);
  const std::string value(in.Octets(in.Octet() % 64));
  const std::string_view subject = in.Line(), body = in.Rest();
  if (const auto plain = Template::Parse(body); plain.ok()) {
    std::map<std::string, std::string> values;
    for (const auto& field : plain->fields()) values[field] = value;
    if (const auto text = plain->Render(values); text.ok() && pharos::base::IsUtf8(value))
      CHECK(pharos::base::IsUtf8(*text));
  }
  const auto email = EmailTemplate::Parse(subject, body);
  if (!email.ok()) return;
  std::map<std::string, std::string> values, harmless;
  for (const auto& field : email->fields()) values[field] = value, harmless[field] = "yes";
  const auto rendered = email->Render(values);
  const auto other = email->Render(harmless);
  CHECK(other.ok());
  if (!rendered.ok()) return;
  CHECK(pharos::base::IsUtf8(rendered->subject) && pharos::base::IsUtf8(rendered->text) &&
        pharos::base::IsUtf8(rendered->html));
  CHECK(rendered->subject.find_first_of("\r\n") == std::string::npos);
  CHECK(CountOf(rendered->html, "<script") == 0 && CountOf(rendered->html, "<img") == 0);
  if (CountOf(body, "??") > 0) return;  // conditions show more or less
  CHECK(CountOf(rendered->html, "<a ") == CountOf(other->html, "<a "));
}
