#include "services/content/errors.h"

#include <fmt/format.h>

#include <string>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::content::errors {

using absl::StatusCode;
using base::MakeError;

absl::Status NotUtf8() {
  return MakeError(StatusCode::kInvalidArgument, "NOT_UTF8",
                   "The text is not well-formed UTF-8. Save it as UTF-8 and try again.");
}

absl::Status MessageTooLong(int parts_needed, int parts_allowed) {
  return MakeError(StatusCode::kInvalidArgument, "MESSAGE_TOO_LONG",
                   fmt::format("The text needs {} SMS parts; at most {} are sent. Shorten it.", parts_needed,
                               parts_allowed),
                   {{"parts", std::to_string(parts_needed)}, {"limit", std::to_string(parts_allowed)}});
}

absl::Status TemplateWrong(int position, std::string_view what) {
  return MakeError(StatusCode::kInvalidArgument, "TEMPLATE_WRONG",
                   fmt::format("Character {}: {}", position, what), {{"position", std::to_string(position)}});
}

absl::Status TemplateTooLong(std::string_view limit) {
  return MakeError(StatusCode::kInvalidArgument, "TEMPLATE_TOO_LONG",
                   fmt::format("The template is longer than {}. Shorten it.", limit),
                   {{"limit", std::string(limit)}});
}

absl::Status PlaceholderUnknown(int position, std::string_view word, std::string_view nearest) {
  const std::string advice =
      nearest.empty()
          ? std::string(
                "Use one of given_name, family_name, postcode, area, language, organisation, role, "
                "sex, interests.")
          : fmt::format("Did you mean (({}))?", nearest);
  return MakeError(
      StatusCode::kInvalidArgument, "PLACEHOLDER_UNKNOWN",
      fmt::format("Character {}: (({})) is not a field of the golden record. {}", position, word, advice),
      {{"position", std::to_string(position)},
       {"placeholder", std::string(word)},
       {"nearest", std::string(nearest)}});
}

absl::Status PlaceholderPrivate(int position, std::string_view field) {
  return MakeError(
      StatusCode::kInvalidArgument, "PLACEHOLDER_PRIVATE",
      fmt::format("Character {}: (({})) is not put into a message, because somebody else may read it on a "
                  "shared or lost device. Take it out of the text.",
                  position, field),
      {{"position", std::to_string(position)}, {"field", std::string(field)}});
}

absl::Status PlaceholderEmpty(std::string_view field) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "PLACEHOLDER_EMPTY",
                   fmt::format("There is no value for (({0})). Give one, or write (({0}??text)) so that the "
                               "text may go without it.",
                               field),
                   {{"field", std::string(field)}});
}

absl::Status EmailTooLong(size_t limit) {
  return MakeError(
      StatusCode::kInvalidArgument, "MESSAGE_TOO_LONG",
      fmt::format(
          "With these values the email is longer than {} bytes, which mail readers cut off. Shorten it.",
          limit),
      {{"limit", std::to_string(limit)}});
}

absl::Status InText(std::string_view text, const absl::Status& status) {
  auto facts = base::FactsOf(status);
  if (status.ok() || !facts) return status;
  facts->metadata["text"] = std::string(text);
  const std::string message = fmt::format("In {}: {}", text, base::FromAbsl(status.message()));
  return MakeError(status.code(), message, std::move(*facts));
}

}  // namespace pharos::content::errors
