// The campaign service's way into dispatch.
#pragma once

#include "pharos/dispatch/internal/v1/plan_service.serve.h"
#include "services/dispatch/desk.h"

namespace pharos::dispatch {

class PlanService : public internal::v1::PlanServiceHandler {
 public:
  PlanService(TurnLoop& loop, Desk& desk) : loop_(loop), desk_(desk) {}

  absl::Status DeclareStep(rpc::Call& call, const internal::v1::DeclareStepRequest& request,
                           internal::v1::DeclareStepResponse& response) override;
  absl::Status PlanIntents(rpc::Call& call, const internal::v1::PlanIntentsRequest& request,
                           internal::v1::PlanIntentsResponse& response) override;
  absl::Status SteerCampaign(rpc::Call& call, const internal::v1::SteerCampaignRequest& request,
                             internal::v1::SteerCampaignResponse& response) override;

 private:
  TurnLoop& loop_;
  Desk& desk_;
};

}  // namespace pharos::dispatch
