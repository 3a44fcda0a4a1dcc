// Purposes: what messages are for. A version is never overwritten; class and lawful basis never change.
#pragma once

#include <functional>

#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/purpose_service.serve.h"
#include "services/base/clock.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::customer {

class PurposeService : public v1::PurposeServiceHandler {
 public:
  // `settle` returns when every permit that was given before it was called is released or has run out: a
  // retirement is acknowledged when nothing can be handed over for it any more.
  PurposeService(
      storage::Store& store, base::Clock& clock, std::function<void()> settle = [] {})
      : store_(store), clock_(clock), settle_(std::move(settle)) {}

  absl::Status CreatePurpose(rpc::Call& call, const v1::CreatePurposeRequest& request,
                             v1::Purpose& response) override;
  absl::Status UpdatePurpose(rpc::Call& call, const v1::UpdatePurposeRequest& request,
                             v1::Purpose& response) override;
  absl::Status RetirePurpose(rpc::Call& call, const v1::RetirePurposeRequest& request,
                             v1::Purpose& response) override;
  absl::Status GetPurpose(rpc::Call& call, const v1::GetPurposeRequest& request,
                          v1::Purpose& response) override;
  absl::Status ListPurposes(rpc::Call& call, const v1::ListPurposesRequest& request,
                            v1::ListPurposesResponse& response) override;

 private:
  storage::Store& store_;
  base::Clock& clock_;
  const std::function<void()> settle_;
};

}  // namespace pharos::customer
