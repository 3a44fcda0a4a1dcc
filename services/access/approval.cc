#include "services/access/approval.h"

#include <algorithm>

#include "services/access/errors.h"
#include "services/base/ids.h"

namespace pharos::access {
namespace {

bool MayApprove(const policy::KnownCaller& caller, const policy::Policy& policy, int64_t now_us) {
  if (caller.expire_time_us != 0 && caller.expire_time_us <= now_us) return false;
  return std::any_of(caller.roles.begin(), caller.roles.end(), [&](const std::string& role) {
    return role != policy::kServiceRole && policy.Allows(role, "campaigns.approve");
  });
}

}  // namespace

absl::StatusOr<type::v1::CampaignManifest> MaySign(std::string_view manifest, std::string_view approver,
                                                   const policy::Snapshot& snapshot, int64_t now_us) {
  type::v1::CampaignManifest parsed;
  const bool good = parsed.ParseFromArray(manifest.data(), static_cast<int>(manifest.size())) &&
                    !base::Segment(parsed.campaign(), "campaigns").empty() &&
                    !base::Segment(parsed.author(), "principals").empty();
  if (!good) return errors::ManifestWrong();
  if (parsed.author() == approver) return errors::ApproverIsAuthor(parsed.campaign());
  for (const auto& [digest, caller] : snapshot.callers) {
    if (caller.principal == approver && MayApprove(caller, *snapshot.policy, now_us)) return parsed;
  }
  return errors::ApproverMayNot(approver);
}

}  // namespace pharos::access
