#include "services/audience/engagement_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "pharos/engagement/internal/v1/feed_service.grpc.pb.h"
#include "services/audience/engagement_book.h"
#include "services/audience/errors.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/mutex.h"
#include "services/rpc/channel.h"

namespace pharos::audience {
namespace {

namespace feed = engagement::internal::v1;
using std::chrono::steady_clock;

constexpr int64_t kFirstBackoffUs = 20'000;
constexpr int64_t kMostBackoffUs = 2'000'000;
constexpr int64_t kStreamMs = 3'600'000;  // streams live at most an hour; then the cursor goes on

class Client : public EngagementClient {
 public:
  explicit Client(PeopleIndex& index) : index_(index) {}
  ~Client() override { Stop(); }

  void Start(const rpc::Peers& peers) override {
    base::MutexLock lock(mutex_);
    if (stub_ != nullptr || stopped_ || peers.engagement == nullptr) return;
    stub_ = feed::FeedService::NewStub(peers.engagement);
    token_ = peers.token;
    thread_ = std::thread([this] { Follow(); });
  }

  void Stop() override {
    std::thread thread;
    {
      base::MutexLock lock(mutex_);
      stopped_ = true;
      if (open_ != nullptr) open_->TryCancel();
      wake_.NotifyAll();
      thread.swap(thread_);
    }
    if (thread.joinable()) thread.join();
  }

  absl::Status Wait(const std::vector<std::string>& campaigns, int64_t micros) override {
    const auto until = steady_clock::now() + std::chrono::microseconds(micros);
    const auto stub = Stub();
    if (stub == nullptr) return AudienceErrors::Loading();
    grpc::ClientContext context;
    rpc::Prepare(context, Options(std::max<int64_t>(1, micros / 1000)));
    feed::GetPositionResponse response;
    PHAROS_RETURN_IF_ERROR(rpc::FromGrpc(stub->GetPosition(&context, {}, &response)));
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(until - steady_clock::now());
    PHAROS_RETURN_IF_ERROR(index_.WaitForEngagement(response.position(), left.count()));
    for (const std::string& campaign : campaigns) {
      if (index_.IsFolded(campaign)) return AudienceErrors::CampaignFolded(campaign, kMostEngagedCampaigns);
    }
    return absl::OkStatus();
  }

 private:
  std::shared_ptr<feed::FeedService::Stub> Stub() {
    base::MutexLock lock(mutex_);
    return stub_;
  }

  rpc::CallOptions Options(int64_t timeout_ms) {
    rpc::CallOptions options;
    options.token = token_;  // set once, before stub_ can be seen
    options.timeout_ms = timeout_ms;
    return options;
  }

  void Follow() {
    int64_t backoff_us = kFirstBackoffUs;
    while (true) {
      // Events name people: before these are there nobody could be found.
      const bool ready = index_.position() != 0;
      const uint64_t before = index_.engagement_position();
      const absl::Status status = ready ? FollowOnce(before) : absl::OkStatus();
      if (absl::IsOutOfRange(status)) index_.ResetEngagement();
      if (!ready || index_.engagement_position() != before) backoff_us = kFirstBackoffUs;
      if (!Pause(backoff_us)) return;
      // The text of a status stays out of the log: it comes from elsewhere.
      if (ready) {
        base::Log(base::LogLevel::kInfo, "audience.engagement_again",
                  {{"code", static_cast<int64_t>(status.code())},
                   {"position", static_cast<int64_t>(index_.engagement_position())}});
      }
      backoff_us = std::min(backoff_us * 2, kMostBackoffUs);
    }
  }

  // One stream, from `cursor` until it ends, or the index stands elsewhere.
  absl::Status FollowOnce(uint64_t cursor) {
    grpc::ClientContext context;
    rpc::Prepare(context, Options(kStreamMs));
    if (!Opened(&context)) return absl::CancelledError();
    feed::FollowEngagementRequest request;
    request.set_cursor(cursor);
    auto stream = Stub()->FollowEngagement(&context, request);
    feed::FollowEngagementResponse response;
    while (stream->Read(&response)) {
      if (index_.ApplyEngagement(response, cursor)) {
        cursor = response.position();
      } else {
        context.TryCancel();
        break;
      }
    }
    const grpc::Status status = stream->Finish();
    Opened(nullptr);
    return rpc::FromGrpc(status);
  }

  // Makes the stream known to Stop; false if Stop came first.
  bool Opened(grpc::ClientContext* context) {
    base::MutexLock lock(mutex_);
    open_ = context;
    if (!stopped_) return true;
    open_ = nullptr;
    return false;
  }

  // False: stopped.
  bool Pause(int64_t micros) {
    base::MutexLock lock(mutex_);
    if (!stopped_) wake_.WaitForMicros(lock, micros);
    return !stopped_;
  }

  PeopleIndex& index_;
  base::Mutex mutex_;
  base::CondVar wake_;
  std::shared_ptr<feed::FeedService::Stub> stub_ ABSL_GUARDED_BY(mutex_);
  std::string token_;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
  grpc::ClientContext* open_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<EngagementClient> EngagementClient::New(PeopleIndex& index) {
  return std::make_unique<Client>(index);
}

}  // namespace pharos::audience
