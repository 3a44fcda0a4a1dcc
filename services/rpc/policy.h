// Whether a caller may do something, by the policy in force (services/policy). What no role of the caller
// holds is denied.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "services/policy/policy.h"
#include "services/rpc/call.h"

namespace pharos::rpc {

using policy::kServiceRole;

// OK, or PERMISSION_DENIED naming the permission (reason PERMISSION_MISSING). `internal`: only our own
// processes, and connectors for what the role "connector" holds. `instead`: what the caller may ask for in
// place of what is denied.
absl::Status Authorise(const policy::Policy& policy, const Caller& caller, std::string_view permission,
                       bool internal, std::string_view instead = {});

}  // namespace pharos::rpc
