// Numbers about an audience, and a few of its people.
#pragma once

#include "absl/status/status.h"
#include "ops/cli/command.h"

namespace pharos::cli {

absl::Status CountAudience(Context& c);
absl::Status BreakDownAudience(Context& c);
absl::Status PreviewAudience(Context& c);

}  // namespace pharos::cli
