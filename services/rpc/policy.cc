#include "services/rpc/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"

namespace pharos::rpc {
namespace {

absl::Status Denied(std::string_view permission, std::string_view message) {
  return base::MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING", message,
                         {{"permission", std::string(permission)}});
}

// By a role of our own processes, whatever a policy file says of other roles.
bool MayInternally(const policy::Policy& policy, const Caller& caller, std::string_view permission) {
  return std::any_of(caller.roles.begin(), caller.roles.end(), [&](const std::string& role) {
    return (role == policy::kServiceRole || role == policy::kConnectorRole) &&
           policy.Allows(role, permission);
  });
}

}  // namespace

absl::Status Authorise(const policy::Policy& policy, const Caller& caller, std::string_view permission,
                       bool internal, std::string_view instead) {
  if (internal && !MayInternally(policy, caller, permission)) {
    return Denied(permission,
                  fmt::format("This call is between Pharos's own processes only ({}); use the public API.",
                              permission));
  }
  if (policy.AnyAllows(caller.roles, permission)) return absl::OkStatus();
  if (!instead.empty()) {
    return Denied(permission,
                  fmt::format("Your roles do not include the permission {}; {}.", permission, instead));
  }
  return Denied(
      permission,
      fmt::format("Your roles do not include the permission {}; ask an operator for a role that has it.",
                  permission));
}

bool Call::Has(std::string_view permission) const {
  return (policy_ != nullptr ? policy_ : policy::Policy::Shipped())->AnyAllows(caller_.roles, permission);
}

}  // namespace pharos::rpc
