// Purposes: what messages are for. Never changed once registered.
#pragma once

#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/purpose_service.serve.h"
#include "services/base/clock.h"
#include "services/rpc/call.h"
#include "storage/store.h"

namespace pharos::customer {

class PurposeService : public v1::PurposeServiceHandler {
 public:
  PurposeService(storage::Store& store, base::Clock& clock) : store_(store), clock_(clock) {}

  absl::Status CreatePurpose(rpc::Call& call, const v1::CreatePurposeRequest& request,
                             v1::Purpose& response) override;
  absl::Status GetPurpose(rpc::Call& call, const v1::GetPurposeRequest& request,
                          v1::Purpose& response) override;
  absl::Status ListPurposes(rpc::Call& call, const v1::ListPurposesRequest& request,
                            v1::ListPurposesResponse& response) override;

 private:
  storage::Store& store_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
