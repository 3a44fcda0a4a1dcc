// Endpoints: names of addresses, and suppression.
#pragma once

#include "pharos/customer/v1/endpoint_service.serve.h"
#include "services/base/clock.h"
#include "services/customer/opt_out.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

class EndpointService : public v1::EndpointServiceHandler {
 public:
  EndpointService(storage::Store& store, const PersonStore& people, OptOuts& opt_outs, base::Clock& clock)
      : store_(store), people_(people), opt_outs_(opt_outs), clock_(clock) {}

  absl::Status ResolveEndpoints(rpc::Call& call, const v1::ResolveEndpointsRequest& request,
                                v1::ResolveEndpointsResponse& response) override;
  absl::Status SuppressEndpoint(rpc::Call& call, const v1::SuppressEndpointRequest& request,
                                v1::SuppressEndpointResponse& response) override;

 private:
  storage::Store& store_;
  const PersonStore& people_;
  OptOuts& opt_outs_;
  base::Clock& clock_;
};

}  // namespace pharos::customer
