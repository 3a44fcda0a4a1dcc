// The engagement service's errors, by name.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace pharos::engagement::errors {

absl::Status PageTokenWrong();
absl::Status Stopping();
absl::Status CursorUnknown(uint64_t last);
// The inbox.
absl::Status ReplyNotFound();
absl::Status ReplyChanged();
absl::Status ReplyForgotten();
absl::Status DispatchAway();

}  // namespace pharos::engagement::errors
