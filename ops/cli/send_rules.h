// A campaign's rules of sending on the command line: --quiet-hours 20:00-08:00, --canary 1%, and the like.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "ops/cli/args.h"
#include "pharos/type/v1/manifest.pb.h"

namespace pharos::cli {

// The options that SetRules reads.
std::vector<Option> RuleOptions();
// Sets what the command line gives; the rest stays. INVALID_ARGUMENT (USAGE).
absl::Status SetRules(const Args& args, type::v1::SendRules& rules);
// One line a rule; none for a rule that is not set.
std::vector<std::string> RulesInWords(const type::v1::SendRules& rules);

// "90s", "10m", "2h", "1d" in seconds. USAGE.
absl::StatusOr<int> ParseDuration(std::string_view option, std::string_view text);
// "1%", "0.5%" in thousandths. USAGE.
absl::StatusOr<int> ParsePermille(std::string_view option, std::string_view text);

}  // namespace pharos::cli
