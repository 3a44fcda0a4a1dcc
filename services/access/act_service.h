// ActService: parse, load, call the rule, save, publish, answer.
#pragma once

#include "pharos/access/v1/act_service.pb.h"
#include "pharos/access/v1/act_service.serve.h"
#include "services/access/snapshot_board.h"
#include "services/base/clock.h"
#include "storage/store.h"

namespace pharos::access {

class ActHandler : public v1::ActServiceHandler {
 public:
  ActHandler(storage::Store& store, SnapshotBoard& board, base::Clock& clock)
      : store_(store), board_(board), clock_(clock) {}

  absl::Status ProposeAct(rpc::Call& call, const v1::ProposeActRequest& request, v1::Act& response) override;
  absl::Status ConfirmAct(rpc::Call& call, const v1::ConfirmActRequest& request, v1::Act& response) override;
  absl::Status WithdrawAct(rpc::Call& call, const v1::WithdrawActRequest& request,
                           v1::Act& response) override;
  absl::Status GetAct(rpc::Call& call, const v1::GetActRequest& request, v1::Act& response) override;
  absl::Status ListActs(rpc::Call& call, const v1::ListActsRequest& request,
                        v1::ListActsResponse& response) override;
  absl::Status GetPolicy(rpc::Call& call, const v1::GetPolicyRequest& request, v1::Policy& response) override;
  absl::Status CheckPolicy(rpc::Call& call, const v1::CheckPolicyRequest& request,
                           v1::CheckPolicyResponse& response) override;

 private:
  storage::Store& store_;
  SnapshotBoard& board_;
  base::Clock& clock_;
};

}  // namespace pharos::access
