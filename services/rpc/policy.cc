#include "services/rpc/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/rpc/credentials.h"

namespace pharos::rpc {
namespace {

enum Role : unsigned {
  kMarketing = 1,    // writes and runs campaigns; sees numbers and verdicts, never contact data
  kApprover = 2,     // signs what somebody else wrote
  kAnalyst = 4,      // counts
  kPartner = 8,      // keeps its own contacts in step
  kGovernance = 16,  // answers for personal data: access requests, consent, suppression
  kOperator = 32,    // keeps it running: sources, purposes, imports, connectors
};
constexpr unsigned kStaff = kMarketing | kApprover | kAnalyst | kGovernance | kOperator;
constexpr unsigned kEveryone = kStaff | kPartner;
constexpr unsigned kServiceOnly = 0;

struct Right {
  std::string_view permission;
  unsigned roles;
};

// Sorted by permission. The role "service" may do everything and is not listed.
constexpr Right kRights[] = {
    {"audiences.count", kMarketing | kApprover | kAnalyst | kGovernance},
    {"audiences.read", kMarketing | kApprover | kAnalyst | kGovernance},
    {"audiences.write", kMarketing},
    {"campaigns.approve", kApprover},
    {"campaigns.plan", kServiceOnly},
    {"campaigns.read", kStaff},
    {"campaigns.run", kMarketing},
    {"campaigns.write", kMarketing},
    {"connectors.read", kStaff},
    {"connectors.work", kServiceOnly},
    {"consents.read", kGovernance},
    {"consents.write",
     kGovernance},  // a withdrawal taken on the phone; people's own replies come through dispatch
    {"endpoints.read", kGovernance},  // turns an address into a name: a question about personal data
    {"endpoints.suppress", kGovernance},
    {"facts.write", kGovernance},
    {"intents.read", kMarketing | kApprover | kGovernance | kOperator},
    {"members.pin", kServiceOnly},
    {"optouts.record", kServiceOnly},
    {"people.count", kStaff},
    {"people.follow", kServiceOnly},
    {"people.judge",
     kMarketing | kApprover | kGovernance},  // a verdict and its evidence, without contact data
    {"people.read", kGovernance},
    {"people.read_personal", kGovernance},
    {"permits.issue", kServiceOnly},
    {"purposes.read", kEveryone},
    {"purposes.write", kGovernance | kOperator},
    {"records.import", kPartner | kOperator},
    {"reflection.read", kEveryone},  // the public API is no secret from anybody with a credential
    {"sources.read", kEveryone},
    {"sources.write", kOperator},
    {"templates.read", kMarketing | kApprover | kGovernance},
    {"templates.write", kMarketing},
};

struct NamedRole {
  std::string_view name;
  Role role;
};
constexpr NamedRole kRoles[] = {{"marketing", kMarketing},   {"approver", kApprover},
                                {"analyst", kAnalyst},       {"partner", kPartner},
                                {"governance", kGovernance}, {"operator", kOperator}};

bool HasRole(const Caller& caller, std::string_view role) {
  return std::find(caller.roles.begin(), caller.roles.end(), role) != caller.roles.end();
}

bool AnyRoleHas(const Caller& caller, std::string_view permission) {
  return std::any_of(caller.roles.begin(), caller.roles.end(),
                     [&](const std::string& role) { return RoleHas(role, permission); });
}

absl::Status Denied(std::string_view permission, std::string_view message) {
  return base::MakeError(absl::StatusCode::kPermissionDenied, "PERMISSION_MISSING", message,
                         {{"permission", std::string(permission)}});
}

}  // namespace

bool RoleHas(std::string_view role, std::string_view permission) {
  const auto* right = std::find_if(std::begin(kRights), std::end(kRights),
                                   [&](const Right& r) { return r.permission == permission; });
  if (right == std::end(kRights)) return false;
  if (role == kServiceRole) return true;
  const auto* named =
      std::find_if(std::begin(kRoles), std::end(kRoles), [&](const NamedRole& r) { return r.name == role; });
  return named != std::end(kRoles) && (right->roles & named->role) != 0;
}

absl::Status Authorise(const Caller& caller, std::string_view permission, bool internal) {
  if (internal && !HasRole(caller, kServiceRole)) {
    return Denied(permission,
                  fmt::format("This call is between Pharos's own processes only ({}); use the public API.",
                              permission));
  }
  if (AnyRoleHas(caller, permission)) return absl::OkStatus();
  return Denied(
      permission,
      fmt::format("Your roles do not include the permission {}; ask an operator for a role that has it.",
                  permission));
}

bool Call::Has(std::string_view permission) const {
  return AnyRoleHas(caller_, permission);
}

std::vector<std::string_view> KnownPermissions() {
  std::vector<std::string_view> permissions;
  for (const Right& right : kRights) permissions.push_back(right.permission);
  return permissions;
}

const std::vector<std::string>& KnownRoles() {
  static const auto* roles = [] {
    auto* names = new std::vector<std::string>{std::string(kServiceRole)};
    for (const NamedRole& role : kRoles) names->emplace_back(role.name);
    return names;
  }();
  return *roles;
}

}  // namespace pharos::rpc
