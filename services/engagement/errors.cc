#include "services/engagement/errors.h"

#include <fmt/format.h>

#include "services/base/errors.h"

namespace pharos::engagement::errors {

absl::Status PageTokenWrong() {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_WRONG",
                         "The page token is not one that this list gave; start again without it.");
}

absl::Status Stopping() {
  base::ErrorFacts facts;
  facts.reason = "STOPPING";
  facts.retry_after_ms = 1000;
  return base::MakeError(absl::StatusCode::kUnavailable, "The service stops; watch again.", std::move(facts));
}

absl::Status CursorUnknown(uint64_t last) {
  return base::MakeError(absl::StatusCode::kOutOfRange, "CURSOR_UNKNOWN",
                         "The cursor is ahead of this store; start again at 0.",
                         {{"last", std::to_string(last)}});
}

}  // namespace pharos::engagement::errors
