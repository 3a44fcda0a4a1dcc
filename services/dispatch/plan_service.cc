#include "services/dispatch/plan_service.h"

namespace pharos::dispatch {

// Each call waits until its turn is durable, so the request and the response outlive it.
absl::Status PlanService::DeclareStep(rpc::Call& call, const internal::v1::DeclareStepRequest& request,
                                      internal::v1::DeclareStepResponse& response) {
  return loop_.Run([&](Turn& turn) { return desk_.DeclareStep(turn, request); });
}

absl::Status PlanService::PlanIntents(rpc::Call& call, const internal::v1::PlanIntentsRequest& request,
                                      internal::v1::PlanIntentsResponse& response) {
  return loop_.Run([&](Turn& turn) { return desk_.PlanIntents(turn, request, response); });
}

absl::Status PlanService::SteerCampaign(rpc::Call& call, const internal::v1::SteerCampaignRequest& request,
                                        internal::v1::SteerCampaignResponse& response) {
  return loop_.Run([&](Turn& turn) { return desk_.Steer(turn, request, response); });
}

}  // namespace pharos::dispatch
