// STOP, START and "wrong person" as dispatch reports them. Answers twice: durable, then acknowledged.
#pragma once

#include "pharos/customer/internal/v1/opt_out_service.serve.h"
#include "services/customer/opt_out.h"

namespace pharos::customer {

class OptOutService : public internal::v1::OptOutServiceHandler {
 public:
  explicit OptOutService(OptOuts& opt_outs) : opt_outs_(opt_outs) {}

  absl::Status RecordReply(rpc::Call& call, const internal::v1::RecordReplyRequest& request,
                           rpc::Writer<internal::v1::RecordReplyResponse>& answers) override;

 private:
  OptOuts& opt_outs_;
};

}  // namespace pharos::customer
