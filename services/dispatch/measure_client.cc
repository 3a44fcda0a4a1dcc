#include "services/dispatch/measure_client.h"

#include <grpcpp/grpcpp.h>

#include "pharos/customer/internal/v1/permit_service.grpc.pb.h"
#include "services/rpc/channel.h"

namespace pharos::dispatch {

namespace {

constexpr int64_t kTimeoutMs = 500;  // somebody waits for their page

}  // namespace

void MeasureClient::Start(const rpc::Peers& peers) {
  customer_ = peers.customer;
  token_ = peers.token;
}

bool MeasureClient::MayMeasure(const TrackedLink& link) const {
  if (customer_ == nullptr || link.endpoint.empty()) return false;
  customer::internal::v1::MayMeasureRequest request;
  request.set_person(link.message.person());
  request.set_endpoint(link.endpoint);
  request.set_channel(type::v1::CHANNEL_EMAIL);
  grpc::ClientContext context;
  rpc::Prepare(context, {.token = token_, .timeout_ms = kTimeoutMs});
  customer::internal::v1::MayMeasureResponse response;
  const auto stub = customer::internal::v1::PermitService::NewStub(customer_);
  return stub->MayMeasure(&context, request, &response).ok() && response.measured();
}

}  // namespace pharos::dispatch
