// What comes back over HTTP, by way of the edge: opt-outs by link, providers' callbacks.
#pragma once

#include "pharos/dispatch/internal/v1/inbound_service.serve.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/measure_client.h"

namespace pharos::dispatch {

class InboundService : public internal::v1::InboundServiceHandler {
 public:
  InboundService(TurnLoop& loop, Desk& desk, const MeasureClient& measures)
      : loop_(loop), desk_(desk), measures_(measures) {}

  absl::Status DescribeUnsubscribe(rpc::Call& call, const internal::v1::DescribeUnsubscribeRequest& request,
                                   internal::v1::DescribeUnsubscribeResponse& response) override;
  absl::Status Unsubscribe(rpc::Call& call, const internal::v1::UnsubscribeRequest& request,
                           internal::v1::UnsubscribeResponse& response) override;
  absl::Status Choose(rpc::Call& call, const internal::v1::ChooseRequest& request,
                      internal::v1::ChooseResponse& response) override;
  absl::Status DescribeLink(rpc::Call& call, const internal::v1::DescribeLinkRequest& request,
                            internal::v1::DescribeLinkResponse& response) override;
  absl::Status FollowLink(rpc::Call& call, const internal::v1::FollowLinkRequest& request,
                          internal::v1::FollowLinkResponse& response) override;
  absl::Status RecordReceipts(rpc::Call& call, const internal::v1::RecordReceiptsRequest& request,
                              internal::v1::RecordReceiptsResponse& response) override;
  absl::Status RecordMessages(rpc::Call& call, const internal::v1::RecordMessagesRequest& request,
                              internal::v1::RecordMessagesResponse& response) override;

 private:
  // A choice that customer has acknowledged, and the purpose of the message that its link stood in.
  struct Acknowledged {
    std::string purpose;
    Chosen chosen;
  };
  absl::StatusOr<Acknowledged> Take(const rpc::Call& call, const std::string& token, ReplyMeaning choice);
  // NOT_FOUND (LINK_UNKNOWN).
  absl::StatusOr<TrackedLink> LinkOf(const std::string& token);

  TurnLoop& loop_;
  Desk& desk_;
  const MeasureClient& measures_;
};

}  // namespace pharos::dispatch
