// What comes back over HTTP, by way of the edge: opt-outs by link, providers' callbacks.
#pragma once

#include "pharos/dispatch/internal/v1/inbound_service.serve.h"
#include "services/dispatch/desk.h"

namespace pharos::dispatch {

class InboundService : public internal::v1::InboundServiceHandler {
 public:
  InboundService(TurnLoop& loop, Desk& desk) : loop_(loop), desk_(desk) {}

  absl::Status DescribeUnsubscribe(rpc::Call& call, const internal::v1::DescribeUnsubscribeRequest& request,
                                   internal::v1::DescribeUnsubscribeResponse& response) override;
  absl::Status Unsubscribe(rpc::Call& call, const internal::v1::UnsubscribeRequest& request,
                           internal::v1::UnsubscribeResponse& response) override;
  absl::Status RecordReceipts(rpc::Call& call, const internal::v1::RecordReceiptsRequest& request,
                              internal::v1::RecordReceiptsResponse& response) override;
  absl::Status RecordMessages(rpc::Call& call, const internal::v1::RecordMessagesRequest& request,
                              internal::v1::RecordMessagesResponse& response) override;

 private:
  TurnLoop& loop_;
  Desk& desk_;
};

}  // namespace pharos::dispatch
