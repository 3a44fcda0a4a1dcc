#include "services/customer/opt_out_service.h"

#include "pharos/customer/internal/v1/opt_out_service.pb.h"
#include "services/base/errors.h"

namespace pharos::customer {

using internal::v1::RecordReplyResponse;

absl::Status OptOutService::RecordReply(rpc::Call& call, const internal::v1::RecordReplyRequest& request,
                                        rpc::Writer<RecordReplyResponse>& answers) {
  if (request.kind() == internal::v1::NOTED) return Note(request, answers);
  PHAROS_ASSIGN_OR_RETURN(const record::v1::OptOutRow row, opt_outs_.Record(call, request));
  RecordReplyResponse answer;
  if (!request.address().empty()) {
    // For the inbox only: an opt-out does not fail over it.
    if (const auto holder = opt_outs_.HolderOf(request); holder.ok()) answer.set_person(holder->person);
  }
  answer.set_opt_out(row.name());
  answer.set_endpoint(row.endpoint());
  answer.set_changed(row.changed());
  answer.set_until_us(row.until_us());
  answer.set_stage(RecordReplyResponse::DURABLE);
  if (!answers.Write(answer)) return absl::CancelledError("the caller has gone; what it reported is durable");
  // Taking back makes nothing stricter: there is nothing to wait for.
  if (request.kind() != internal::v1::RESUME) PHAROS_RETURN_IF_ERROR(opt_outs_.AwaitOptOut(row));
  answer.set_stage(RecordReplyResponse::ACKNOWLEDGED);
  if (!answers.Write(answer)) return absl::CancelledError("the caller has gone; what it reported is durable");
  return absl::OkStatus();
}

absl::Status OptOutService::Note(const internal::v1::RecordReplyRequest& request,
                                 rpc::Writer<RecordReplyResponse>& answers) {
  PHAROS_ASSIGN_OR_RETURN(const OptOuts::Holder holder, opt_outs_.HolderOf(request));
  RecordReplyResponse answer;
  answer.set_endpoint(holder.endpoint);
  answer.set_person(holder.person);
  for (const auto stage : {RecordReplyResponse::DURABLE, RecordReplyResponse::ACKNOWLEDGED}) {
    answer.set_stage(stage);
    if (!answers.Write(answer))
      return absl::CancelledError("the caller has gone; nothing was to be recorded");
  }
  return absl::OkStatus();
}

absl::Status OptOutService::ReportEndpoints(rpc::Call& call,
                                            const internal::v1::ReportEndpointsRequest& request,
                                            internal::v1::ReportEndpointsResponse&) {
  return opt_outs_.Report(call, request);
}

}  // namespace pharos::customer
