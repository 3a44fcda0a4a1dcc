#include "services/access/approval_service.h"

#include "services/access/approval.h"
#include "services/base/errors.h"
#include "services/rpc/once.h"

namespace pharos::access {

absl::Status ApprovalHandler::SignApproval(rpc::Call& call, const internal::v1::SignApprovalRequest& request,
                                           type::v1::SignedApproval& response) {
  const int64_t now = clock_.WallMicros();
  const std::string& approver = call.caller().principal;
  PHAROS_ASSIGN_OR_RETURN(const type::v1::CampaignManifest manifest,
                          MaySign(request.manifest(), approver, *board_.Get(), now));
  const std::string entry =
      rpc::ChangeBy(call, manifest.campaign(), "approval.signed", manifest.revision(), now);
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) {
    tx.AppendChange(entry);
    return absl::OkStatus();
  }));
  response.set_manifest(request.manifest());
  response.set_approver(approver);
  response.set_time_us(now);
  response.set_signature(signer_.Sign(policy::ApprovalBytes(request.manifest(), approver, now)));
  return absl::OkStatus();
}

}  // namespace pharos::access
