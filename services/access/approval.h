// The rule of approvals: pure. Who signs what, and who may not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/type/v1/manifest.pb.h"
#include "services/policy/snapshot.h"

namespace pharos::access {

// The manifest that `approver` may sign. MANIFEST_WRONG, APPROVER_IS_AUTHOR; PERMISSION_MISSING if no valid
// token of the approver has a role with campaigns.approve. The role "service" does not count: a campaign is
// approved by a person.
absl::StatusOr<type::v1::CampaignManifest> MaySign(std::string_view manifest, std::string_view approver,
                                                   const policy::Snapshot& snapshot, int64_t now_us);

}  // namespace pharos::access
