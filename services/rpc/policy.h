// Who may do what. One table, permission → roles, in policy.cc; what is not in it is denied.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/rpc/call.h"

namespace pharos::rpc {

inline constexpr std::string_view kServiceRole = "service";

// OK, or PERMISSION_DENIED naming the permission (reason PERMISSION_MISSING). `internal`: only our own
// processes.
absl::Status Authorise(const Caller& caller, std::string_view permission, bool internal);

// Every permission in the table, for tests.
std::vector<std::string_view> KnownPermissions();
// Every role, for messages.
const std::vector<std::string>& KnownRoles();

}  // namespace pharos::rpc
