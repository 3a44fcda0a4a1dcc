#include "services/audience/feed_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <thread>

#include "pharos/customer/internal/v1/feed_service.grpc.pb.h"
#include "services/audience/errors.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/mutex.h"
#include "services/rpc/channel.h"

namespace pharos::audience {
namespace {

namespace feed = customer::internal::v1;

constexpr int64_t kFirstBackoffUs = 20'000;
constexpr int64_t kMaxBackoffUs = 2'000'000;
constexpr int64_t kStreamMs = 3'600'000;  // streams live at most an hour; then the cursor goes on

class Client : public FeedClient {
 public:
  Client(PeopleIndex& index, PositionHere position_here)
      : index_(index), position_here_(std::move(position_here)) {}
  ~Client() override { Stop(); }

  void Start(const rpc::Peers& peers) override {
    base::MutexLock lock(mutex_);
    if (stub_ != nullptr || stopped_) return;
    stub_ = feed::FeedService::NewStub(peers.customer);
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

  absl::StatusOr<Freshness> Ask(bool with_purposes, int64_t micros) override {
    const auto stub = Stub();
    if (stub == nullptr) return AudienceErrors::Loading();
    feed::GetPositionRequest request;
    request.set_with_purposes(with_purposes);
    feed::GetPositionResponse response;
    PHAROS_RETURN_IF_ERROR(position_here_ ? position_here_(request, response)
                                          : Call(*stub, micros, request, response));
    Freshness freshness;
    freshness.position = response.position();
    for (const auto& purpose : response.purposes()) {
      freshness.purposes[purpose.purpose()] = {purpose.purpose(), purpose.purpose_class(),
                                               purpose.lawful_basis()};
      if (purpose.retired()) freshness.retired.insert(purpose.purpose());
    }
    return freshness;
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

  absl::Status Call(feed::FeedService::Stub& stub, int64_t micros, const feed::GetPositionRequest& request,
                    feed::GetPositionResponse& response) {
    grpc::ClientContext context;
    rpc::Prepare(context, Options(std::max<int64_t>(1, micros / 1000)));
    return rpc::FromGrpc(stub.GetPosition(&context, request, &response));
  }

  void Follow() {
    int64_t backoff_us = kFirstBackoffUs;
    while (true) {
      const uint64_t before = index_.position();
      const absl::Status status = FollowOnce(before);
      if (index_.position() != before) backoff_us = kFirstBackoffUs;
      if (absl::IsOutOfRange(status)) index_.Reset();
      if (!Pause(backoff_us)) return;
      // The text of a status stays out of the log: it comes from elsewhere.
      base::Log(base::LogLevel::kInfo, "audience.feed_again",
                {{"code", static_cast<int64_t>(status.code())},
                 {"position", static_cast<int64_t>(index_.position())}});
      backoff_us = std::min(backoff_us * 2, kMaxBackoffUs);
    }
  }

  // One stream, from `cursor` until it ends.
  absl::Status FollowOnce(uint64_t cursor) {
    grpc::ClientContext context;
    rpc::Prepare(context, Options(kStreamMs));
    if (!Opened(&context)) return absl::CancelledError();
    if (cursor == 0) index_.Reset();  // what an unfinished snapshot left might be gone by now
    feed::FollowPeopleRequest request;
    request.set_cursor(cursor);
    auto stream = Stub()->FollowPeople(&context, request);
    feed::FollowPeopleResponse response;
    while (stream->Read(&response)) index_.Apply(response);
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
  const PositionHere position_here_;
  base::Mutex mutex_;
  base::CondVar wake_;
  std::shared_ptr<feed::FeedService::Stub> stub_ ABSL_GUARDED_BY(mutex_);
  std::string token_;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
  grpc::ClientContext* open_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<FeedClient> FeedClient::New(PeopleIndex& index, PositionHere position_here) {
  return std::make_unique<Client>(index, std::move(position_here));
}

}  // namespace pharos::audience
