#include "services/dispatch/customer_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <thread>

#include "pharos/customer/internal/v1/opt_out_service.grpc.pb.h"
#include "pharos/customer/internal/v1/permit_service.grpc.pb.h"
#include "services/base/queue.h"
#include "services/rpc/channel.h"

namespace pharos::dispatch {
namespace {

namespace customer = customer::internal::v1;

constexpr int kPermitThreads = 3;  // two batches on their way while a third is answered
constexpr int kReleaseThreads = 1;
constexpr int kReplyThreads = 16;  // each waits up to 2 s for an acknowledgement
constexpr size_t kMaxWaiting = 4096;
constexpr size_t kMaxReleases = 4096;        // of one call; ReleasePermitsRequest
constexpr int64_t kPermitTimeoutMs = 1'500;  // past use-by the answer is worth nothing
constexpr int64_t kReplyTimeoutMs = 10'000;

// Threads that run what is handed to them, a bounded queue before them.
class Crew {
 public:
  explicit Crew(int size) : jobs_(kMaxWaiting) {
    for (int i = 0; i < size; ++i) threads_.emplace_back([this] { Work(); });
  }
  bool Add(std::function<void()> job) { return jobs_.TryPush(std::move(job)); }
  void Stop() {
    jobs_.Close();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void Work() {
    while (!jobs_.closed()) {
      for (auto& job : jobs_.PopAll(1, 100'000)) job();
    }
  }
  base::BoundedQueue<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
};

class GrpcCustomerClient : public CustomerClient {
 public:
  explicit GrpcCustomerClient(const rpc::Peers& peers)
      : token_(peers.token),
        permits_stub_(customer::PermitService::NewStub(peers.customer)),
        replies_stub_(customer::OptOutService::NewStub(peers.customer)),
        permits_(kPermitThreads),
        releases_(kReleaseThreads),
        replies_(kReplyThreads) {}
  ~GrpcCustomerClient() override { Stop(); }

  bool IssuePermits(customer::IssuePermitsRequest request, PermitsDone done) override {
    return permits_.Add([this, request = std::move(request), done] { done(CallPermits(request)); });
  }

  void ReleasePermits(std::vector<std::string> ids) override {
    for (size_t at = 0; at < ids.size(); at += kMaxReleases) {
      std::vector<std::string> some(ids.begin() + at, ids.begin() + std::min(ids.size(), at + kMaxReleases));
      (void)releases_.Add([this, some = std::move(some)] { CallRelease(some); });
    }
  }

  bool RecordReply(customer::RecordReplyRequest request, ReplyStages stages) override {
    return replies_.Add([this, request = std::move(request), stages] { CallReply(request, stages); });
  }

  bool ReportEndpoints(customer::ReportEndpointsRequest request,
                       std::function<void(absl::Status)> done) override {
    return replies_.Add([this, request = std::move(request), done] { done(CallReport(request)); });
  }

  void Stop() override {
    permits_.Stop();
    releases_.Stop();
    replies_.Stop();
  }

 private:
  absl::StatusOr<customer::IssuePermitsResponse> CallPermits(const customer::IssuePermitsRequest& request) {
    grpc::ClientContext context;
    rpc::Prepare(context, {.token = token_, .timeout_ms = kPermitTimeoutMs});
    customer::IssuePermitsResponse response;
    const absl::Status status = rpc::FromGrpc(permits_stub_->IssuePermits(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  void CallRelease(const std::vector<std::string>& ids) {
    grpc::ClientContext context;
    rpc::Prepare(context, {.token = token_, .timeout_ms = kPermitTimeoutMs});
    customer::ReleasePermitsRequest request;
    for (const auto& id : ids) request.add_ids(id);
    customer::ReleasePermitsResponse response;
    // Best effort: a permit that is not released runs out.
    (void)permits_stub_->ReleasePermits(&context, request, &response);
  }

  absl::Status CallReport(const customer::ReportEndpointsRequest& request) {
    grpc::ClientContext context;
    rpc::Prepare(context, {.token = token_, .timeout_ms = kReplyTimeoutMs});
    customer::ReportEndpointsResponse response;
    return rpc::FromGrpc(replies_stub_->ReportEndpoints(&context, request, &response));
  }

  void CallReply(const customer::RecordReplyRequest& request, const ReplyStages& stages) {
    grpc::ClientContext context;
    rpc::Prepare(context, {.token = token_, .timeout_ms = kReplyTimeoutMs});
    auto stream = replies_stub_->RecordReply(&context, request);
    customer::RecordReplyResponse response;
    bool acknowledged = false;
    while (stream->Read(&response)) {
      acknowledged = response.stage() == customer::RecordReplyResponse::ACKNOWLEDGED;
      (acknowledged ? stages.acknowledged : stages.durable)(response);
    }
    const absl::Status status = rpc::FromGrpc(stream->Finish());
    if (!acknowledged)
      stages.failed(status.ok() ? absl::UnavailableError("customer ended the call early") : status);
  }

  const std::string token_;
  std::unique_ptr<customer::PermitService::Stub> permits_stub_;
  std::unique_ptr<customer::OptOutService::Stub> replies_stub_;
  Crew permits_, releases_, replies_;
};

}  // namespace

std::unique_ptr<CustomerClient> CustomerClient::Make(const rpc::Peers& peers) {
  return std::make_unique<GrpcCustomerClient>(peers);
}

}  // namespace pharos::dispatch
