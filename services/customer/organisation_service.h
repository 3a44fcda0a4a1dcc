// Organisations, and the roles that people hold at them.
#pragma once

#include <vector>

#include "pharos/customer/v1/organisation_service.pb.h"
#include "pharos/customer/v1/organisation_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/person_store.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::customer {

class OrganisationService : public v1::OrganisationServiceHandler {
 public:
  OrganisationService(storage::Store& store, const PersonStore& people, base::Clock& clock)
      : store_(store), people_(people), clock_(clock) {}

  absl::Status CreateOrganisation(rpc::Call& call, const v1::CreateOrganisationRequest& request,
                                  v1::Organisation& response) override;
  absl::Status GetOrganisation(rpc::Call& call, const v1::GetOrganisationRequest& request,
                               v1::Organisation& response) override;
  absl::Status ListOrganisations(rpc::Call& call, const v1::ListOrganisationsRequest& request,
                                 v1::ListOrganisationsResponse& response) override;
  absl::Status UpdateOrganisation(rpc::Call& call, const v1::UpdateOrganisationRequest& request,
                                  v1::Organisation& response) override;
  absl::Status AssignRole(rpc::Call& call, const v1::AssignRoleRequest& request, v1::Role& response) override;
  absl::Status EndRole(rpc::Call& call, const v1::EndRoleRequest& request, v1::Role& response) override;
  absl::Status FindRoleHolders(rpc::Call& call, const v1::FindRoleHoldersRequest& request,
                               v1::ListRolesResponse& response) override;
  absl::Status ListRoles(rpc::Call& call, const v1::ListRolesRequest& request,
                         v1::ListRolesResponse& response) override;

 private:
  // Roles with the names that their people have now, after the entry that says that they were read.
  absl::Status ShowRoles(rpc::Call& call, const storage::View& view,
                         const std::vector<record::v1::RoleRow>& roles,
                         v1::ListRolesResponse& response) const;

  storage::Store& store_;
  const PersonStore& people_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
