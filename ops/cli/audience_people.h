// Everybody in an audience, row by row.
#pragma once

#include "absl/status/status.h"
#include "ops/cli/command.h"

namespace pharos::cli {

absl::Status ListPeople(Context& c);
absl::Status ExportPeople(Context& c);

}  // namespace pharos::cli
