// Organisations by id, their codes, and the roles at them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "storage/store.h"

namespace pharos::customer {

absl::StatusOr<std::optional<record::v1::OrganisationRow>> LoadOrganisation(const storage::View& view,
                                                                            std::string_view name);
absl::StatusOr<std::optional<record::v1::OrganisationRow>> LoadOrganisation(storage::Transaction& tx,
                                                                            std::string_view name);
// Writes the row and moves its code. ALREADY_EXISTS (ORGANISATION_CODE_TAKEN). `before` may be null.
absl::Status SaveOrganisation(storage::Transaction& tx, const record::v1::OrganisationRow* before,
                              const record::v1::OrganisationRow& row);

absl::StatusOr<std::optional<record::v1::RoleRow>> LoadRole(storage::Transaction& tx, std::string_view name);
// With it the index of the person's roles.
void SaveRole(storage::Transaction& tx, const record::v1::RoleRow& role);

struct RolePage {
  std::vector<record::v1::RoleRow> roles;  // oldest first
  std::string next_token;                  // empty on the last page
};
// `token` is that of the page before, or empty. INVALID_ARGUMENT PAGE_TOKEN_WRONG.
absl::StatusOr<RolePage> ReadRoles(const storage::View& view, std::string_view organisation, bool ended,
                                   size_t most, const std::string& token);

}  // namespace pharos::customer
