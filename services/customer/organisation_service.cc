#include "services/customer/organisation_service.h"

#include <algorithm>
#include <optional>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"
#include "services/customer/organisation.h"
#include "services/customer/organisation_store.h"
#include "services/customer/page.h"
#include "services/customer/role_search.h"
#include "services/rpc/audit.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::OrganisationRow;
using record::v1::RoleRow;

namespace {

constexpr int kDefaultPage = 100;
constexpr int kMostOnAPage = 1000;

OrganisationLookup FindIn(storage::Transaction& tx) {
  return [&tx](std::string_view name) { return LoadOrganisation(tx, name); };
}

v1::Role ShowRole(const RoleRow& row, const std::string& person) {
  v1::Role role;
  role.set_name(row.name());
  role.set_person(person);
  role.set_title(row.title());
  role.set_start_time_us(row.start_time_us());
  role.set_end_time_us(row.end_time_us());
  return role;
}

}  // namespace

absl::Status OrganisationService::CreateOrganisation(rpc::Call& call,
                                                     const v1::CreateOrganisationRequest& request,
                                                     v1::Organisation& response) {
  const int64_t now = clock_.WallMicros();
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const OrganisationRow row, NewOrganisation(request, FindIn(tx), now));
        PHAROS_ASSIGN_OR_RETURN(const auto known, LoadOrganisation(tx, row.name()));
        if (known) return errors::OrganisationExists(row.name());
        PHAROS_RETURN_IF_ERROR(SaveOrganisation(tx, nullptr, row));
        tx.AppendChange(rpc::ChangeBy(call, row.name(), "organisation.created", row.version(), now));
        response = ShowOrganisation(row);
        return absl::OkStatus();
      },
      now);
}

absl::Status OrganisationService::GetOrganisation(rpc::Call&, const v1::GetOrganisationRequest& request,
                                                  v1::Organisation& response) {
  PHAROS_ASSIGN_OR_RETURN(const auto row, LoadOrganisation(*store_.Read(), request.name()));
  if (!row) return errors::OrganisationNotFound(request.name());
  response = ShowOrganisation(*row);
  return absl::OkStatus();
}

absl::Status OrganisationService::ListOrganisations(rpc::Call&, const v1::ListOrganisationsRequest& request,
                                                    v1::ListOrganisationsResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const Page page,
                          ReadPage(*store_.Read(), kOrganisation, request.page_size(), request.page_token()));
  for (const auto& value : page.values) {
    OrganisationRow row;
    PHAROS_RETURN_IF_ERROR(storage::DecodeRecord(value, row));
    *response.add_organisations() = ShowOrganisation(row);
  }
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

absl::Status OrganisationService::UpdateOrganisation(rpc::Call& call,
                                                     const v1::UpdateOrganisationRequest& request,
                                                     v1::Organisation& response) {
  const int64_t now = clock_.WallMicros();
  const std::string& name = request.organisation().name();
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const auto current, LoadOrganisation(tx, name));
        if (!current) return errors::OrganisationNotFound(name);
        PHAROS_ASSIGN_OR_RETURN(const OrganisationRow row,
                                NextOrganisation(*current, request.organisation(), FindIn(tx)));
        PHAROS_RETURN_IF_ERROR(SaveOrganisation(tx, &*current, row));
        tx.AppendChange(rpc::ChangeBy(call, name, "organisation.updated", row.version(), now));
        response = ShowOrganisation(row);
        return absl::OkStatus();
      },
      now);
}

absl::Status OrganisationService::AssignRole(rpc::Call& call, const v1::AssignRoleRequest& request,
                                             v1::Role& response) {
  const int64_t now = clock_.WallMicros();
  RoleRow row;
  row.set_name(request.parent() + "/roles/" + base::NewId(now));
  row.set_title(request.title());
  row.set_start_time_us(request.start_time_us() == 0 ? now : request.start_time_us());
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const auto organisation, LoadOrganisation(tx, request.parent()));
        if (!organisation) return errors::OrganisationNotFound(request.parent());
        PHAROS_ASSIGN_OR_RETURN(const auto person, people_.Load(tx, request.person()));
        if (!person) return errors::PersonNotFound(request.person());
        row.set_person(person->name());
        SaveRole(tx, row);
        tx.AppendChange(rpc::ChangeBy(call, row.name(), "role.assigned", 1, now));
        response = ShowRole(row, person->name());
        return absl::OkStatus();
      },
      now);
}

absl::Status OrganisationService::EndRole(rpc::Call& call, const v1::EndRoleRequest& request,
                                          v1::Role& response) {
  const int64_t now = clock_.WallMicros();
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const std::optional<RoleRow> role, LoadRole(tx, request.name()));
        if (!role) return errors::RoleNotFound(request.name());
        PHAROS_ASSIGN_OR_RETURN(const RoleRow ended, EndedRole(*role, request.end_time_us(), now));
        PHAROS_ASSIGN_OR_RETURN(const auto person, people_.Load(tx, ended.person()));
        response = ShowRole(ended, person ? person->name() : ended.person());
        if (role->end_time_us() != 0) return absl::OkStatus();
        SaveRole(tx, ended);
        tx.AppendChange(rpc::ChangeBy(call, ended.name(), "role.ended", 2, now));
        return absl::OkStatus();
      },
      now);
}

absl::Status OrganisationService::ListRoles(rpc::Call& call, const v1::ListRolesRequest& request,
                                            v1::ListRolesResponse& response) {
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const auto organisation, LoadOrganisation(*view, request.parent()));
  if (!organisation) return errors::OrganisationNotFound(request.parent());
  const int most = request.page_size() <= 0 ? kDefaultPage : std::min(request.page_size(), kMostOnAPage);
  PHAROS_ASSIGN_OR_RETURN(const RolePage page, ReadRoles(*view, request.parent(), request.show_ended(),
                                                         static_cast<size_t>(most), request.page_token()));
  PHAROS_RETURN_IF_ERROR(ShowRoles(call, *view, page.roles, response));
  response.set_next_page_token(page.next_token);
  return absl::OkStatus();
}

absl::Status OrganisationService::ShowRoles(rpc::Call& call, const storage::View& view,
                                            const std::vector<RoleRow>& roles,
                                            v1::ListRolesResponse& response) const {
  std::vector<std::string> people;
  for (const auto& role : roles) {
    PHAROS_ASSIGN_OR_RETURN(const auto person, people_.Load(view, role.person()));
    people.push_back(person ? person->name() : role.person());
  }
  PHAROS_RETURN_IF_ERROR(rpc::AuditRead(call, store_, "roles.read", people, clock_.WallMicros()));
  for (size_t i = 0; i < people.size(); ++i) *response.add_roles() = ShowRole(roles[i], people[i]);
  return absl::OkStatus();
}

absl::Status OrganisationService::FindRoleHolders(rpc::Call& call, const v1::FindRoleHoldersRequest& request,
                                                  v1::ListRolesResponse& response) {
  const int64_t time = request.at_time_us() == 0 ? clock_.WallMicros() : request.at_time_us();
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const OrganisationMap all, ReadOrganisations(*view));
  if (!all.contains(request.parent())) return errors::OrganisationNotFound(request.parent());
  const auto places = PlacesOf(all, request.parent(), request.below(), time);
  PHAROS_ASSIGN_OR_RETURN(const auto roles, FindRoles(*view, places, request.title(), time, kMostOnAPage));
  return ShowRoles(call, *view, roles, response);
}

}  // namespace pharos::customer
