// STOP, START, "wrong person" and unsubscribe as dispatch reports them: answered twice, durable, then
// acknowledged. And what providers say of endpoints.
#pragma once

#include "pharos/customer/internal/v1/opt_out_service.serve.h"
#include "services/customer/opt_out.h"

namespace pharos::customer {

class OptOutService : public internal::v1::OptOutServiceHandler {
 public:
  explicit OptOutService(OptOuts& opt_outs) : opt_outs_(opt_outs) {}

  absl::Status RecordReply(rpc::Call& call, const internal::v1::RecordReplyRequest& request,
                           rpc::Writer<internal::v1::RecordReplyResponse>& answers) override;

  absl::Status ReportEndpoints(rpc::Call& call, const internal::v1::ReportEndpointsRequest& request,
                               internal::v1::ReportEndpointsResponse& response) override;

 private:
  absl::Status Note(const internal::v1::RecordReplyRequest& request,
                    rpc::Writer<internal::v1::RecordReplyResponse>& answers);

  OptOuts& opt_outs_;
};

}  // namespace pharos::customer
