#include "services/customer/opt_out_service.h"

#include "pharos/customer/internal/v1/opt_out_service.pb.h"
#include "services/base/errors.h"

namespace pharos::customer {

using internal::v1::RecordReplyResponse;

absl::Status OptOutService::RecordReply(rpc::Call& call, const internal::v1::RecordReplyRequest& request,
                                        rpc::Writer<RecordReplyResponse>& answers) {
  PHAROS_ASSIGN_OR_RETURN(const record::v1::OptOutRow row, opt_outs_.Record(call, request));
  RecordReplyResponse answer;
  answer.set_opt_out(row.name());
  answer.set_endpoint(row.endpoint());
  answer.set_changed(row.changed());
  answer.set_stage(RecordReplyResponse::DURABLE);
  if (!answers.Write(answer)) return absl::CancelledError("the caller has gone; what it reported is durable");
  PHAROS_RETURN_IF_ERROR(opt_outs_.AwaitOptOut(row));
  answer.set_stage(RecordReplyResponse::ACKNOWLEDGED);
  if (!answers.Write(answer)) return absl::CancelledError("the caller has gone; what it reported is durable");
  return absl::OkStatus();
}

absl::Status OptOutService::ReportEndpoints(rpc::Call& call,
                                            const internal::v1::ReportEndpointsRequest& request,
                                            internal::v1::ReportEndpointsResponse&) {
  return opt_outs_.Report(call, request);
}

}  // namespace pharos::customer
