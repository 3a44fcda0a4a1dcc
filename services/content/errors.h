// Errors about texts, by name. Positions count characters from 1. A template is written by an author, so its
// words may be quoted; a rendered text is personal and never is.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

namespace pharos::content::errors {

absl::Status NotUtf8();                                            // NOT_UTF8
absl::Status MessageTooLong(int parts_needed, int parts_allowed);  // MESSAGE_TOO_LONG
absl::Status TemplateWrong(int position, std::string_view what);   // TEMPLATE_WRONG
absl::Status TemplateTooLong(std::string_view limit);              // TEMPLATE_TOO_LONG
absl::Status PlaceholderUnknown(int position, std::string_view word,
                                std::string_view nearest);              // PLACEHOLDER_UNKNOWN
absl::Status PlaceholderPrivate(int position, std::string_view field);  // PLACEHOLDER_PRIVATE
absl::Status PlaceholderEmpty(std::string_view field);                  // PLACEHOLDER_EMPTY
absl::Status EmailTooLong(size_t limit);                                // MESSAGE_TOO_LONG

// The same error, saying which of several texts it speaks of (metadata: text).
absl::Status InText(std::string_view text, const absl::Status& status);

}  // namespace pharos::content::errors
