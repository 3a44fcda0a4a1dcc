// The policy: which role may do what, as a TOML file with tests in it. A policy that fails one of its own
// tests is not accepted. The one that ships is services/policy/policy.toml, compiled in.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::policy {

inline constexpr std::string_view kServiceRole =
    "service";  // our own processes: every permission, also of internal RPCs
inline constexpr std::string_view kConnectorRole =
    "connector";  // connectors: connectors.work and nothing else internal

class Policy {
 public:
  // INVALID_ARGUMENT (POLICY_WRONG) names line and cause: not TOML, a permission that no RPC has, a test that
  // fails. `tests`, if given, receives how many tests ran.
  static absl::StatusOr<std::shared_ptr<const Policy>> Parse(std::string_view text, int* tests = nullptr);
  // The policy that came with the program.
  static std::shared_ptr<const Policy> Shipped();
  static std::string_view ShippedText();
  // Everything that Parse would refuse, a line each ("line 7: …"); empty = it would be accepted.
  static std::vector<std::string> ProblemsOf(std::string_view text, int* tests = nullptr);

  // The file it was read from.
  const std::string& text() const;
  bool Allows(std::string_view role, std::string_view permission) const;
  bool AnyAllows(const std::vector<std::string>& roles, std::string_view permission) const;
  bool HasRole(std::string_view role) const;
  // Role names, sorted, "service" and "connector" among them.
  const std::vector<std::string>& roles() const { return roles_; }
  // Permissions of a set of roles, sorted.
  std::vector<std::string> PermissionsOf(const std::vector<std::string>& roles) const;

 private:
  struct Parts;
  explicit Policy(std::shared_ptr<const Parts> parts);
  std::shared_ptr<const Parts> parts_;
  std::vector<std::string> roles_;
};

// Every permission that an RPC may name, sorted; a policy file may speak of no other.
const std::vector<std::string>& KnownPermissions();

}  // namespace pharos::policy
