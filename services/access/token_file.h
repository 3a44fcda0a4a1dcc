// The bootstrap file of callers: one line a token, "<sha-256 of the token in hex> <principal id>
// <role>[,<role>…]"; '#' starts a comment. The tokens themselves are never stored. For the first people of an
// installation, and for processes of our own that run apart; everybody else is made through PrincipalService.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::access {

struct FileCaller {
  std::string digest;     // SHA-256 of the token, 32 bytes
  std::string principal;  // "principals/…"
  std::vector<std::string> roles;
};

// INVALID_ARGUMENT (TOKEN_FILE_WRONG) names the line; `roles` are those that exist. Refuses a file that
// others can read.
absl::StatusOr<std::vector<FileCaller>> ReadTokenFile(const std::string& file,
                                                      const std::vector<std::string>& roles);

}  // namespace pharos::access
