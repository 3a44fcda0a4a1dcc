#include "services/engagement/feed_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <thread>

#include "pharos/dispatch/internal/v1/feed_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/mutex.h"
#include "services/rpc/channel.h"

namespace pharos::engagement {
namespace {

namespace feed = dispatch::internal::v1;

constexpr int64_t kFirstBackoffUs = 20'000;
constexpr int64_t kMostBackoffUs = 500'000;  // counters may be a second behind: look again well within it
constexpr int64_t kStreamMs = 3'600'000;     // streams live at most an hour; then the cursor goes on

class Client : public FeedClient {
 public:
  explicit Client(FeedEvents events) : events_(std::move(events)) {}
  ~Client() override { Stop(); }

  void Start(const rpc::Peers& peers) override {
    base::MutexLock lock(mutex_);
    if (stub_ != nullptr || stopped_) return;
    stub_ = feed::FeedService::NewStub(peers.dispatch);
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

 private:
  void Follow() {
    int64_t backoff_us = kFirstBackoffUs;
    while (true) {
      bool heard = false;
      const absl::Status status = FollowOnce(heard);
      if (heard) backoff_us = kFirstBackoffUs;
      if (!Pause(backoff_us)) return;
      // The text of a status stays out of the log: it comes from elsewhere.
      base::Log(base::LogLevel::kInfo, "engagement.feed_again",
                {{"code", static_cast<int64_t>(status.code())}, {"reason", base::ReasonOf(status)}});
      backoff_us = std::min(backoff_us * 2, kMostBackoffUs);
    }
  }

  // One stream, from the cursor until it ends.
  absl::Status FollowOnce(bool& heard) {
    feed::FollowEventsRequest request;
    PHAROS_ASSIGN_OR_RETURN(const uint64_t cursor, events_.cursor());
    request.set_cursor(cursor);
    grpc::ClientContext context;
    rpc::CallOptions options;
    options.token = token_;  // set once, before the thread began
    options.timeout_ms = kStreamMs;
    rpc::Prepare(context, options);
    if (!Opened(&context)) return absl::CancelledError();
    auto stream = Stub()->FollowEvents(&context, request);
    feed::FollowEventsResponse news;
    absl::Status applied;
    while (applied.ok() && stream->Read(&news)) {
      heard = true;
      applied = events_.apply(news);
    }
    if (!applied.ok()) context.TryCancel();
    const grpc::Status status = stream->Finish();
    Opened(nullptr);
    return applied.ok() ? rpc::FromGrpc(status) : applied;
  }

  std::shared_ptr<feed::FeedService::Stub> Stub() {
    base::MutexLock lock(mutex_);
    return stub_;
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

  const FeedEvents events_;
  base::Mutex mutex_;
  base::CondVar wake_;
  std::shared_ptr<feed::FeedService::Stub> stub_ ABSL_GUARDED_BY(mutex_);
  std::string token_;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
  grpc::ClientContext* open_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<FeedClient> FeedClient::New(FeedEvents events) {
  return std::make_unique<Client>(std::move(events));
}

}  // namespace pharos::engagement
