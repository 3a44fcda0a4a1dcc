// Which people a command is about: the operand names a saved audience, or --filter says it.
#pragma once

#include "absl/status/status.h"
#include "ops/cli/args.h"
#include "ops/cli/words.h"

namespace pharos::cli {

// USAGE unless there is exactly one of them.
template <typename Request>
absl::Status SetAudience(const Args& args, Request& request) {
  if (args.Has("filter") == !args.operands().empty())
    return UsageError("Give a saved audience or --filter, one of them.");
  if (args.Has("filter")) {
    request.set_filter(args.Get("filter"));
  } else {
    request.set_audience(Name("audiences", args.Operand(0)));
  }
  return absl::OkStatus();
}

}  // namespace pharos::cli
