#include "services/customer/endpoint_service.h"

#include "pharos/customer/v1/endpoint_service.pb.h"
#include "services/base/errors.h"
#include "services/customer/clean.h"
#include "services/customer/errors.h"
#include "services/customer/opt_out_store.h"
#include "services/rpc/audit.h"
#include "services/rpc/once.h"

namespace pharos::customer {

absl::Status EndpointService::ResolveEndpoints(rpc::Call& call, const v1::ResolveEndpointsRequest& request,
                                               v1::ResolveEndpointsResponse& response) {
  const bool email = request.channel() == type::v1::CHANNEL_EMAIL;
  if (!email && request.channel() != type::v1::CHANNEL_SMS) {
    return errors::FieldMissing("channel", "CHANNEL_SMS or CHANNEL_EMAIL");
  }
  for (const auto& address : request.addresses()) {
    const std::string clean = email ? CleanEmail(address) : CleanPhone(address);
    response.add_endpoints(clean.empty() ? "" : EndpointName(people_.EndpointOf(request.channel(), clean)));
  }
  return rpc::AuditRead(call, store_, "endpoint.resolved",
                        {response.endpoints().begin(), response.endpoints().end()}, clock_.WallMicros());
}

absl::Status EndpointService::SuppressEndpoint(rpc::Call& call, const v1::SuppressEndpointRequest& request,
                                               v1::SuppressEndpointResponse& response) {
  const std::string endpoint = EndpointOfName(request.endpoint());
  if (endpoint.empty()) return errors::FieldMissing("endpoint", "endpoints/{32 hex digits}");
  if (request.reason() == type::v1::SUPPRESSION_REASON_UNSPECIFIED) {
    return errors::FieldMissing("reason", "HARD_BOUNCE, COMPLAINT, WRONG_PERSON or ERASED");
  }
  const int64_t now = clock_.WallMicros();
  PHAROS_RETURN_IF_ERROR(rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        const ChangeMaker change = [&](std::string_view resource, std::string_view kind, uint64_t version) {
          return rpc::ChangeBy(call, resource, kind, version, now);
        };
        tx.AppendChange(change(request.endpoint(), "endpoint.suppressed", 0));
        return people_.Suppress(tx, endpoint, request.reason(), change);
      },
      now));
  opt_outs_.AwaitEndpoint(endpoint);
  return absl::OkStatus();
}

}  // namespace pharos::customer
