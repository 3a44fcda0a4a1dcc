// ApprovalService: checks, leaves a change entry, signs.
#pragma once

#include "pharos/access/internal/v1/approval_service.pb.h"
#include "pharos/access/internal/v1/approval_service.serve.h"
#include "pharos/type/v1/manifest.pb.h"
#include "services/access/signer.h"
#include "services/access/snapshot_board.h"
#include "services/base/clock.h"
#include "storage/store.h"

namespace pharos::access {

class ApprovalHandler : public internal::v1::ApprovalServiceHandler {
 public:
  ApprovalHandler(storage::Store& store, const Signer& signer, SnapshotBoard& board, base::Clock& clock)
      : store_(store), signer_(signer), board_(board), clock_(clock) {}

  absl::Status SignApproval(rpc::Call& call, const internal::v1::SignApprovalRequest& request,
                            type::v1::SignedApproval& response) override;

 private:
  storage::Store& store_;
  const Signer& signer_;
  SnapshotBoard& board_;
  base::Clock& clock_;
};

}  // namespace pharos::access
