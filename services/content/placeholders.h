// ((placeholders)) in any text: what stands between them, and which field each one names. template.h says
// what they mean.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::content {

// What placeholders may name.
enum class Names {
  kRecord,   // fields of the golden record
  kBrought,  // whatever a single message brings with it, in the form of BroughtName
};

struct Part {
  enum Kind { kText, kField, kCondition } kind;
  std::string field;  // kField, kCondition: of the golden record, or brought
  std::string text;   // kText; kCondition: shown if it holds
  int position = 0;   // of its first character in the whole text, from 1
};

// The text in order, cut at its placeholders. `text` is well-formed UTF-8. INVALID_ARGUMENT: TEMPLATE_WRONG,
// PLACEHOLDER_UNKNOWN, PLACEHOLDER_PRIVATE.
absl::StatusOr<std::vector<Part>> ReadPlaceholders(std::string_view text, Names names = Names::kRecord);
// A name that a message brings, as people write it ("First Name", "first_name"), in the one form that
// placeholders and values are compared in: lower case, without spaces, '_' and '-'.
std::string BroughtName(std::string_view word);
// Fields that the parts name, sorted, each once.
std::vector<std::string> FieldsOf(const std::vector<Part>& parts);

// The value without spaces at its ends; empty if there is none.
std::string_view ValueOf(const std::map<std::string, std::string>& values, const std::string& field);
// Does a condition with this value hold?
bool Holds(std::string_view value);

// The character (from 1) that begins at this octet.
int CharacterAt(std::string_view text, size_t octet);

}  // namespace pharos::content
