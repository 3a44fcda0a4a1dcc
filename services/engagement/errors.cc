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

absl::Status DoesNotAddUp(std::string_view campaign, uint64_t position) {
  return base::MakeError(absl::StatusCode::kDataLoss, "COUNTERS_WRONG",
                         fmt::format("The counters of {} would not add up at position {} of dispatch's log; "
                                     "they stay as they were. The dispatch and engagement stores do not "
                                     "belong together: stop pharosd, remove the engagement store and start "
                                     "again; it is made anew from dispatch's log.",
                                     campaign, position));
}

}  // namespace pharos::engagement::errors
