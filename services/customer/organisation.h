// Organisations and roles: what may be registered and changed. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/organisation_service.pb.h"
#include "pharos/record/v1/customer.pb.h"

namespace pharos::customer {

// Gives the row of an organisation ("organisations/…"); nullopt: not registered.
using OrganisationLookup =
    std::function<absl::StatusOr<std::optional<record::v1::OrganisationRow>>(std::string_view name)>;

// Parents above a council, successors of a surgery: real chains have fewer than ten.
inline constexpr int kMostOrganisationSteps = 32;

// Version 1. ID_WRONG, FIELD_MISSING, VALUE_UNREADABLE (a mail domain), ORGANISATION_MISSING,
// ORGANISATION_CIRCLE.
absl::StatusOr<record::v1::OrganisationRow> NewOrganisation(const v1::CreateOrganisationRequest& request,
                                                            const OrganisationLookup& find, int64_t now);
// The next version. ETAG_MISSING, ETAG_MISMATCH, and as above.
absl::StatusOr<record::v1::OrganisationRow> NextOrganisation(const record::v1::OrganisationRow& current,
                                                             const v1::Organisation& wanted,
                                                             const OrganisationLookup& find);
v1::Organisation ShowOrganisation(const record::v1::OrganisationRow& row);

// The end of a role at `end` (0 = now); one that has ended stays as it is. TIME_WRONG before its start.
absl::StatusOr<record::v1::RoleRow> EndedRole(const record::v1::RoleRow& role, int64_t end, int64_t now);

}  // namespace pharos::customer
