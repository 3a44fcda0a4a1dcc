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

absl::Status ReplyNotFound() {
  return base::MakeError(absl::StatusCode::kNotFound, "REPLY_NOT_FOUND",
                         "There is no such reply. Find its name with ListReplies.");
}

absl::Status ReplyChanged() {
  return base::MakeError(absl::StatusCode::kAborted, "REPLY_CHANGED",
                         "Somebody has changed this reply since you read it. Read it again and decide anew.");
}

absl::Status ReplyForgotten() {
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "REPLY_FORGOTTEN",
      "What this reply says is not kept any more, and a note goes with it. Mark it without a "
      "note, or write down elsewhere what was done.");
}

absl::Status DispatchAway() {
  base::ErrorFacts facts;
  facts.reason = "DISPATCH_AWAY";
  facts.retry_after_ms = 1000;
  return base::MakeError(
      absl::StatusCode::kUnavailable,
      "The dispatch service, which keeps what people wrote, does not answer. Start it; then "
      "try again.",
      std::move(facts));
}

}  // namespace pharos::engagement::errors
