// Templates as GOV.UK Notify users know them: ((placeholder)) and ((condition??text shown if the condition
// holds)). Contact data is data: values are never parsed again. A condition holds if its value is "yes",
// "true" or "1" (any case), or the field is a text and not empty and not "no", "false", "0". Placeholders
// name golden-record fields; spaces, case and '_' do not matter:
// ((first name)) and ((given_name)) are the same field.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/content/placeholders.h"

namespace pharos::content {

class Template {
 public:
  // INVALID_ARGUMENT: TEMPLATE_WRONG with position; PLACEHOLDER_UNKNOWN with the nearest known one;
  // TEMPLATE_TOO_LONG.
  static absl::StatusOr<Template> Parse(std::string_view text, Names names = Names::kRecord);

  // Fields that rendering needs, sorted, each once.
  const std::vector<std::string>& fields() const { return fields_; }
  // FAILED_PRECONDITION (PLACEHOLDER_EMPTY, metadata: field) if a plain placeholder has no value; the caller
  // decides what then.
  absl::StatusOr<std::string> Render(const std::map<std::string, std::string>& values) const;

 private:
  std::vector<Part> parts_;
  std::vector<std::string> fields_;
};

}  // namespace pharos::content
