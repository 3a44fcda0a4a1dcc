// The engagement service's errors, by name.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace pharos::engagement::errors {

absl::Status PageTokenWrong();
absl::Status Stopping();
absl::Status DoesNotAddUp(std::string_view campaign, uint64_t position);

}  // namespace pharos::engagement::errors
