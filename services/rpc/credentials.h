// Bearer tokens from a file: one line a principal, "<sha-256 of the token in hex> <principal id>
// <role>[,<role>…]"; '#' starts a comment. The tokens themselves are never stored. The role "service" marks
// our own processes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "services/rpc/call.h"

namespace pharos::rpc {

class Credentials {
 public:
  // INVALID_ARGUMENT (TOKEN_FILE_WRONG) names the line. Refuses a file that others can read.
  static absl::StatusOr<std::unique_ptr<Credentials>> FromFile(const std::string& file);
  // For tests.
  void Add(std::string_view token, Caller caller);
  // nullopt: no such token.
  std::optional<Caller> Authenticate(std::string_view token) const;

 private:
  std::unordered_map<std::string, Caller> by_digest_;
};

// What roles may do: permission → roles, one table in policy.cc with its reasons. `internal` RPCs need the
// role "service".
bool RoleHas(std::string_view role, std::string_view permission);

}  // namespace pharos::rpc
