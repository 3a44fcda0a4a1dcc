#include "services/content/template.h"

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/content/errors.h"
#include "services/content/sms_text.h"

namespace pharos::content {
namespace {

constexpr size_t kMaxTemplateBytes = 8192;  // TemplateService's bound on sms_body

}  // namespace

absl::StatusOr<Template> Template::Parse(std::string_view text, Names names) {
  if (text.size() > kMaxTemplateBytes) return errors::TemplateTooLong("8,192 bytes");
  if (!base::IsUtf8(text)) return errors::NotUtf8();
  if (base::TrimAscii(text).empty())
    return errors::TemplateWrong(1, "the text is empty. Write what the message says.");
  Template result;
  PHAROS_ASSIGN_OR_RETURN(result.parts_, ReadPlaceholders(text, names));
  std::string fixed;
  for (const Part& part : result.parts_) {
    if (part.kind == Part::kText) fixed += part.text;
  }
  if (auto sms = EncodeSms(fixed); !sms.ok()) {
    return errors::TemplateTooLong(
        "6 SMS parts (918 characters, or 402 with characters outside the GSM alphabet)");
  }
  result.fields_ = FieldsOf(result.parts_);
  return result;
}

absl::StatusOr<std::string> Template::Render(const std::map<std::string, std::string>& values) const {
  std::string text;
  for (const Part& part : parts_) {
    if (part.kind == Part::kText) {
      text += part.text;
      continue;
    }
    const std::string_view value = ValueOf(values, part.field);
    if (part.kind == Part::kCondition) {
      if (Holds(value)) text += part.text;
      continue;
    }
    if (value.empty()) return errors::PlaceholderEmpty(part.field);
    text += value;
  }
  return text;
}

}  // namespace pharos::content
