#include "services/customer/role_search.h"

#include <algorithm>
#include <set>

#include "services/base/errors.h"
#include "services/customer/keys.h"
#include "services/customer/organisation.h"
#include "services/customer/role_title.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::OrganisationRow;
using record::v1::RoleRow;

namespace {

const OrganisationRow* Find(const OrganisationMap& all, std::string_view name) {
  const auto it = all.find(name);
  return it == all.end() ? nullptr : &it->second;
}

bool HasClosed(const OrganisationRow& row, int64_t time) {
  return row.close_time_us() != 0 && row.close_time_us() <= time;
}

// `row` lies under one of `tops`.
bool IsBelow(const OrganisationMap& all, const OrganisationRow& row, const std::set<std::string>& tops) {
  const OrganisationRow* at = &row;
  for (int step = 0; step < kMostOrganisationSteps && at != nullptr && !at->parent().empty(); ++step) {
    if (tops.contains(at->parent())) return true;
    at = Find(all, at->parent());
  }
  return false;
}

}  // namespace

absl::StatusOr<OrganisationMap> ReadOrganisations(const storage::View& view) {
  OrganisationMap all;
  absl::Status status;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(storage::KeyWriter(kOrganisation).str()),
                                   [&](std::string_view, std::string_view value) {
                                     OrganisationRow row;
                                     status = storage::DecodeRecord(value, row);
                                     const std::string name = row.name();
                                     all.emplace(name, std::move(row));
                                     return status.ok() && all.size() <= kMostOrganisations;
                                   }));
  PHAROS_RETURN_IF_ERROR(status);
  if (all.size() > kMostOrganisations) {
    return base::MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_ORGANISATIONS",
                           "there are more organisations than can be searched at once; use ListRoles");
  }
  return all;
}

std::string StandsForThen(const OrganisationMap& all, std::string_view name, int64_t time) {
  std::string at(name);
  for (int step = 0; step < kMostOrganisationSteps; ++step) {
    const OrganisationRow* row = Find(all, at);
    const bool goes_on = row != nullptr && HasClosed(*row, time) && !row->successor().empty();
    if (!goes_on) break;
    at = row->successor();
  }
  return at;
}

std::vector<std::string> PlacesOf(const OrganisationMap& all, std::string_view name, bool below,
                                  int64_t time) {
  const std::string top = StandsForThen(all, name, time);
  std::set<std::string> places = {top};
  for (const auto& [other, row] : all) {
    if (HasClosed(row, time) && StandsForThen(all, other, time) == top) places.insert(other);
  }
  if (below) {
    const std::set<std::string> tops = places;
    std::set<std::string> under;
    for (const auto& [other, row] : all) {
      // A site that closed is followed, too.
      if (IsBelow(all, row, tops)) under.insert(other), under.insert(StandsForThen(all, other, time));
    }
    places.merge(under);
  }
  return {places.begin(), places.end()};
}

bool IsHeldAt(const RoleRow& role, int64_t time) {
  return role.start_time_us() <= time && (role.end_time_us() == 0 || role.end_time_us() > time);
}

absl::StatusOr<std::vector<RoleRow>> FindRoles(const storage::View& view,
                                               const std::vector<std::string>& places, std::string_view title,
                                               int64_t time, size_t most) {
  std::vector<RoleRow> found;
  absl::Status damaged;
  for (const auto& place : places) {
    PHAROS_RETURN_IF_ERROR(
        view.Scan(storage::PrefixRange(RolesPrefix(place)), [&](std::string_view, std::string_view value) {
          RoleRow role;
          damaged = storage::DecodeRecord(value, role);
          if (damaged.ok() && IsHeldAt(role, time) && SameTitle(role.title(), title))
            found.push_back(std::move(role));
          return damaged.ok();
        }));
    PHAROS_RETURN_IF_ERROR(damaged);
  }
  std::sort(found.begin(), found.end(), [](const RoleRow& a, const RoleRow& b) {
    return a.start_time_us() != b.start_time_us() ? a.start_time_us() < b.start_time_us()
                                                  : a.name() < b.name();
  });
  if (found.size() > most) found.resize(most);
  return found;
}

}  // namespace pharos::customer
