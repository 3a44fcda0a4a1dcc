// Dispatch's calls to customer: permits and replies. Calls run on this client's own threads; answers come by
// callback on them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/internal/v1/opt_out_service.pb.h"
#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "services/rpc/peers.h"

namespace pharos::dispatch {

class CustomerClient {
 public:
  using PermitsDone = std::function<void(absl::StatusOr<customer::internal::v1::IssuePermitsResponse>)>;
  struct ReplyStages {
    std::function<void(const customer::internal::v1::RecordReplyResponse&)> durable;
    // Called at once when the answer has been read.
    std::function<void(const customer::internal::v1::RecordReplyResponse&)> acknowledged;
    std::function<void(absl::Status)> failed;  // the stream ended before `acknowledged`
  };

  virtual ~CustomerClient() = default;
  // All but ReleasePermits return false, and never call back, if too many calls wait already.
  virtual bool IssuePermits(customer::internal::v1::IssuePermitsRequest request, PermitsDone done) = 0;
  // Best effort: a permit that is not released runs out.
  virtual void ReleasePermits(std::vector<std::string> ids) = 0;
  // As IssuePermits. `done` when it is durable there, or not.
  virtual bool ReportEndpoints(customer::internal::v1::ReportEndpointsRequest request,
                               std::function<void(absl::Status)> done) = 0;
  virtual bool RecordReply(customer::internal::v1::RecordReplyRequest request, ReplyStages stages) = 0;
  virtual void Stop() = 0;

  static std::unique_ptr<CustomerClient> Make(const rpc::Peers& peers);
};

}  // namespace pharos::dispatch
