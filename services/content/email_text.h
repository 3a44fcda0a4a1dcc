// Emails: one Markdown source (CommonMark) → the plain part and an HTML document. Placeholders as in
// template.h. The Markdown is parsed before any value is known, and values enter text only: a value is never
// Markdown, HTML, a placeholder, a link or a header.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/content/placeholders.h"

namespace pharos::content {

struct Email {
  std::string subject;  // one line, no control characters; UTF-8, not yet encoded for a header
  std::string text;     // the plain part; lines end in "\n"
  std::string html;     // a whole document, UTF-8, no script, no image, no external resource
};

// Copies share what was parsed; a parsed template never changes and may be used by many threads.
class EmailTemplate {
 public:
  // INVALID_ARGUMENT: TEMPLATE_WRONG with position (in the text it speaks of), for a placeholder in a link's
  // address, a link that is not https, http, mailto or tel, an image, a subject of several lines and reserved
  // characters; PLACEHOLDER_UNKNOWN; PLACEHOLDER_PRIVATE; TEMPLATE_TOO_LONG; NOT_UTF8.
  static absl::StatusOr<EmailTemplate> Parse(std::string_view subject, std::string_view markdown,
                                             Names names = Names::kRecord);

  // Fields that rendering needs, sorted, each once.
  const std::vector<std::string>& fields() const;
  // Addresses of the links that may be counted (IsCountable in markdown.h), in the order of the text: link 1
  // is the first one, whether or not the condition round it holds.
  const std::vector<std::string>& links() const;
  // FAILED_PRECONDITION (PLACEHOLDER_EMPTY, metadata: field) if a plain placeholder has no value; NOT_UTF8
  // for a value that is not.
  // With `unsubscribe_url` (https) both parts end with a footer that names it, and `preferences_url` if that
  // is not empty; empty = no footer. `instead`: where links() lead in this one email, in their order; empty =
  // where they say.
  absl::StatusOr<Email> Render(const std::map<std::string, std::string>& values,
                               std::string_view unsubscribe_url = {},
                               const std::vector<std::string>& instead = {},
                               std::string_view preferences_url = {}) const;

 private:
  struct Parsed;
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace pharos::content
