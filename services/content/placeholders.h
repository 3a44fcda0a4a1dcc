// ((placeholders)) in any text: what stands between them, and which field each one names. template.h says
// what they mean.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::content {

struct Part {
  enum Kind { kText, kField, kCondition } kind;
  std::string field;  // kField, kCondition: of the golden record
  std::string text;   // kText; kCondition: shown if it holds
  int position = 0;   // of its first character in the whole text, from 1
};

// The text in order, cut at its placeholders. `text` is well-formed UTF-8. INVALID_ARGUMENT: TEMPLATE_WRONG,
// PLACEHOLDER_UNKNOWN, PLACEHOLDER_PRIVATE.
absl::StatusOr<std::vector<Part>> ReadPlaceholders(std::string_view text);
// Fields that the parts name, sorted, each once.
std::vector<std::string> FieldsOf(const std::vector<Part>& parts);

// The value without spaces at its ends; empty if there is none.
std::string_view ValueOf(const std::map<std::string, std::string>& values, const std::string& field);
// Does a condition with this value hold?
bool Holds(std::string_view value);

// The character (from 1) that begins at this octet.
int CharacterAt(std::string_view text, size_t octet);

}  // namespace pharos::content
