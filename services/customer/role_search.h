// Who holds a role where, on a day: across a body that closed and the one that took over, and everything
// below it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "storage/store.h"

namespace pharos::customer {

// All organisations by name.
using OrganisationMap = std::map<std::string, record::v1::OrganisationRow, std::less<>>;
inline constexpr size_t kMostOrganisations =
    100'000;  // some 60,000 have an ODS code; RESOURCE_EXHAUSTED past it
absl::StatusOr<OrganisationMap> ReadOrganisations(const storage::View& view);

// The body that stands for `name` at `time`: itself while it is open or nobody took over, or else its
// successor then. Pure.
std::string StandsForThen(const OrganisationMap& all, std::string_view name, int64_t time);
// Where roles count as roles at `name` at `time`: itself, those that it has taken over from, and, with
// `below`, everything under any of these, sorted. Pure.
std::vector<std::string> PlacesOf(const OrganisationMap& all, std::string_view name, bool below,
                                  int64_t time);

// Held at `time`: begun, and not over. Pure.
bool IsHeldAt(const record::v1::RoleRow& role, int64_t time);

// Roles of that title held there then, oldest first, at most `most`. Empty `places` is none.
absl::StatusOr<std::vector<record::v1::RoleRow>> FindRoles(const storage::View& view,
                                                           const std::vector<std::string>& places,
                                                           std::string_view title, int64_t time, size_t most);

}  // namespace pharos::customer
