#include "services/content/email_text.h"

#include <algorithm>
#include <set>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/content/email_html.h"
#include "services/content/email_plain.h"
#include "services/content/errors.h"
#include "services/content/markdown.h"
#include "services/content/placeholders.h"

namespace pharos::content {
namespace {

constexpr size_t kMaxSubjectBytes = 1024;    // TemplateService's bound on email_subject
constexpr size_t kMaxMarkdownBytes = 65536;  // and on email_body
constexpr size_t kMaxRenderedSubject = 900;  // below the 998 octets of a header line, with its name
constexpr size_t kLongestUrl = 512;          // EmailContent.one_click_url
constexpr size_t kMaxHtmlBytes = 100'000;    // Gmail cuts off at 102 KB

using Values = std::map<std::string, std::string>;

absl::Status CheckSubject(std::string_view subject) {
  if (subject.size() > kMaxSubjectBytes) return errors::TemplateTooLong("1,024 bytes");
  if (!base::IsUtf8(subject)) return errors::NotUtf8();
  if (base::TrimAscii(subject).empty())
    return errors::TemplateWrong(1, "the subject is empty. Write what the email is about.");
  for (size_t at = 0; at < subject.size(); ++at) {
    const auto c = static_cast<unsigned char>(subject[at]);
    if (c < 0x20 || c == 0x7F)
      return errors::TemplateWrong(CharacterAt(subject, at),
                                   "a subject is one line without control characters. Take this one out.");
  }
  return absl::OkStatus();
}

absl::Status CheckMarkdown(std::string_view markdown) {
  if (markdown.size() > kMaxMarkdownBytes) return errors::TemplateTooLong("65,536 bytes");
  if (!base::IsUtf8(markdown)) return errors::NotUtf8();
  if (base::TrimAscii(markdown).empty())
    return errors::TemplateWrong(1, "the text is empty. Write what the email says.");
  return absl::OkStatus();
}

// Characters that change how the text round them is read or shown: controls become a space, bidirectional
// embeddings, overrides and isolates are dropped.
enum class Fate { kKeep, kSpace, kDrop };
Fate FateOf(std::string_view character) {
  const auto c = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return c(0) < 0x20 || c(0) == 0x7F ? Fate::kSpace : Fate::kKeep;
  if (character.size() == 2 && c(0) == 0xC2 && c(1) < 0xA0) return Fate::kSpace;  // U+0080 to U+009F
  if (character.size() != 3 || c(0) != 0xE2) return Fate::kKeep;
  if (c(1) == 0x80 && (c(2) == 0xA8 || c(2) == 0xA9)) return Fate::kSpace;  // line and paragraph separators
  if (c(1) == 0x80 && c(2) >= 0xAA && c(2) <= 0xAE) return Fate::kDrop;     // U+202A to U+202E
  if (c(1) == 0x81 && c(2) >= 0xA6 && c(2) <= 0xA9) return Fate::kDrop;     // U+2066 to U+2069
  return Fate::kKeep;
}

size_t LengthOf(char first) {
  const auto c = static_cast<unsigned char>(first);
  return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

// One line of text. `value` is well-formed UTF-8.
std::string OneLine(std::string_view value) {
  std::string line;
  for (size_t at = 0; at < value.size();) {
    const std::string_view character = value.substr(at, LengthOf(value[at]));
    at += character.size();
    const Fate fate = FateOf(character);
    if (fate == Fate::kKeep) line += character;
    if (fate == Fate::kSpace && !line.empty() && line.back() != ' ') line += ' ';
  }
  return std::string(base::TrimAscii(line));
}

absl::StatusOr<Values> Clean(const Values& values, const std::vector<std::string>& fields) {
  Values clean;
  for (const std::string& field : fields) {
    const std::string_view value = ValueOf(values, field);
    if (!base::IsUtf8(value)) return errors::NotUtf8();
    clean[field] = OneLine(value);
  }
  return clean;
}

absl::StatusOr<std::string> SubjectOf(const std::vector<Part>& parts, const Values& values) {
  std::string subject;
  for (const Part& part : parts) {
    const std::string_view value =
        part.kind == Part::kText ? std::string_view() : ValueOf(values, part.field);
    if (part.kind == Part::kText || (part.kind == Part::kCondition && Holds(value))) subject += part.text;
    if (part.kind != Part::kField) continue;
    if (value.empty()) return errors::PlaceholderEmpty(part.field);
    subject += value;
  }
  subject = OneLine(subject);
  if (subject.empty())
    return errors::PlaceholderEmpty(FieldsOf(parts).front());  // nothing but conditions, and none holds
  return subject;
}

}  // namespace

struct EmailTemplate::Parsed {
  std::vector<Part> subject;
  std::vector<Node> body;
  std::vector<std::string> fields;
  std::vector<std::string> links;
};

absl::StatusOr<EmailTemplate> EmailTemplate::Parse(std::string_view subject, std::string_view markdown,
                                                   Names names) {
  auto parsed = std::make_shared<Parsed>();
  PHAROS_RETURN_IF_ERROR(errors::InText("email_subject", CheckSubject(subject)));
  auto subject_parts = ReadPlaceholders(subject, names);
  if (!subject_parts.ok()) return errors::InText("email_subject", subject_parts.status());
  PHAROS_RETURN_IF_ERROR(errors::InText("email_body", CheckMarkdown(markdown)));
  auto body_parts = ReadPlaceholders(markdown, names);
  if (!body_parts.ok()) return errors::InText("email_body", body_parts.status());
  auto body = ReadMarkdown(markdown, *body_parts);
  if (!body.ok()) return errors::InText("email_body", body.status());

  std::set<std::string> fields;
  for (const auto* parts : {&*subject_parts, &*body_parts}) {
    for (std::string& field : FieldsOf(*parts)) fields.insert(std::move(field));
  }
  parsed->subject = std::move(*subject_parts);
  parsed->body = std::move(*body);
  parsed->links = NumberLinks(parsed->body);
  parsed->fields.assign(fields.begin(), fields.end());
  EmailTemplate result;
  result.parsed_ = std::move(parsed);
  // With every condition true and the shortest values: longer than this it could never be sent whole.
  Values shortest;
  for (const std::string& field : result.fields()) shortest.emplace(field, "y");
  if (!result.Render(shortest, std::string(kLongestUrl, 'y')).ok())
    return errors::InText("email_body", errors::TemplateTooLong("100,000 bytes as HTML"));
  return result;
}

const std::vector<std::string>& EmailTemplate::fields() const {
  return parsed_->fields;
}

const std::vector<std::string>& EmailTemplate::links() const {
  return parsed_->links;
}

absl::StatusOr<Email> EmailTemplate::Render(const std::map<std::string, std::string>& values,
                                            std::string_view unsubscribe_url,
                                            const std::vector<std::string>& instead,
                                            std::string_view preferences_url) const {
  PHAROS_ASSIGN_OR_RETURN(const Values clean, Clean(values, parsed_->fields));
  Email email;
  PHAROS_ASSIGN_OR_RETURN(email.subject, SubjectOf(parsed_->subject, clean));
  PHAROS_ASSIGN_OR_RETURN(std::vector<Node> body, PutValues(parsed_->body, clean));
  if (!instead.empty()) ReplaceLinks(body, instead);
  email.html = HtmlOf(email.subject, body, unsubscribe_url, preferences_url);
  email.text = PlainOf(body, unsubscribe_url, preferences_url);
  if (email.html.size() > kMaxHtmlBytes || email.text.size() > kMaxHtmlBytes)
    return errors::EmailTooLong(kMaxHtmlBytes);
  if (email.subject.size() > kMaxRenderedSubject) return errors::EmailTooLong(kMaxRenderedSubject);
  return email;
}

}  // namespace pharos::content
