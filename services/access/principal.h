// Rules of principals: pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/access.pb.h"
#include "services/policy/policy.h"

namespace pharos::access {

inline constexpr uint64_t kMaxPrincipals = 10'000;  // every process holds all of them
inline constexpr int kMaxTokens = 8;  // valid ones of one principal: some to change over with, no more

// A new principal called `name`. ID_WRONG, ROLE_UNKNOWN.
absl::StatusOr<record::v1::PrincipalRow> NewPrincipal(std::string_view id, const v1::Principal& asked,
                                                      const policy::Policy& policy, int64_t now_us);
// `before` with roles, disabled and display_name as asked. OWN_ROLES, ETAG_MISSING, ETAG_MISMATCH,
// ROLE_UNKNOWN.
absl::StatusOr<record::v1::PrincipalRow> Changed(const record::v1::PrincipalRow& before,
                                                 const v1::Principal& asked, std::string_view caller,
                                                 const policy::Policy& policy);
// `before` with one token more; expired ones are dropped. `valid_s` 0 = until revoked. TOKENS_TOO_MANY.
absl::StatusOr<record::v1::PrincipalRow> WithToken(const record::v1::PrincipalRow& before,
                                                   std::string_view digest, int64_t valid_s, int64_t now_us);
// `before` without one. TOKEN_NOT_FOUND.
absl::StatusOr<record::v1::PrincipalRow> WithoutToken(const record::v1::PrincipalRow& before,
                                                      std::string_view token_id);

// As the API shows it, with the tokens valid at `now_us`.
v1::Principal Shown(const record::v1::PrincipalRow& row, int64_t now_us);
v1::Token Shown(const record::v1::TokenRow& token);

}  // namespace pharos::access
