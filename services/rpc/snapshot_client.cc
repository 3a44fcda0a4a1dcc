#include "services/rpc/snapshot_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <thread>

#include "pharos/access/internal/v1/snapshot_service.grpc.pb.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/mutex.h"
#include "services/policy/snapshot.h"
#include "services/rpc/channel.h"
#include "services/rpc/limits.h"

namespace pharos::rpc {
namespace {

namespace v1 = pharos::access::internal::v1;

constexpr int64_t kFirstWaitMicros = 100'000;
constexpr int64_t kLongestWaitMicros = 1'000'000;

// The policy of a message; the one held if it has not changed, or if this program does not understand it.
std::shared_ptr<const policy::Policy> PolicyOf(const v1::Snapshot& message, const policy::Snapshot& held) {
  if (message.policy() == held.policy->text()) return held.policy;
  auto parsed = policy::Policy::Parse(message.policy());
  if (parsed.ok()) return *std::move(parsed);
  base::Log(base::LogLevel::kError, "snapshot.policy_refused",
            {{"version", static_cast<int64_t>(message.policy_version())},
             {"cause", std::string(parsed.status().message())}});
  return held.policy;
}

policy::Snapshot FromMessage(const v1::Snapshot& message, const policy::Snapshot& held) {
  policy::Snapshot snapshot;
  snapshot.version = message.version();
  snapshot.policy = PolicyOf(message, held);
  snapshot.policy_version = message.policy_version();
  snapshot.live = message.live();
  snapshot.approval_keys = {message.approval_keys().begin(), message.approval_keys().end()};
  for (const v1::KnownCaller& caller : message.callers()) {
    snapshot.callers[caller.token_digest()] = {
        caller.principal(), {caller.roles().begin(), caller.roles().end()}, caller.expire_time_us()};
  }
  return snapshot;
}

}  // namespace

struct SnapshotClient::Impl {
  Impl(const std::shared_ptr<grpc::Channel>& access, std::string own_token, policy::SnapshotHolder& into)
      : stub(v1::SnapshotService::NewStub(access)), token(std::move(own_token)), holder(into) {}

  void Run() {
    int64_t wait_us = kFirstWaitMicros;
    while (!Stopped()) {
      const bool heard = FollowOnce();
      wait_us = heard ? kFirstWaitMicros : std::min(2 * wait_us, kLongestWaitMicros);
      base::MutexLock lock(mutex);
      if (!stopped) stop.WaitForMicros(lock, wait_us);
    }
  }

  // Until the stream ends; true if anything came. A dead peer is found by keepalive (services/rpc/limits.h).
  bool FollowOnce() {
    grpc::ClientContext context;
    CallOptions options;
    options.token = token;
    options.timeout_ms = kMaxStreamMicros / 1000;
    Prepare(context, options);
    if (!Enter(context)) return false;
    auto reader = stub->FollowSnapshot(&context, v1::FollowSnapshotRequest());
    v1::Snapshot message;
    bool heard = false;
    while (reader->Read(&message)) {
      heard = true;
      Take(message);
    }
    const absl::Status status = FromGrpc(reader->Finish());
    Leave();
    if (!Stopped()) {
      base::Log(base::LogLevel::kWarning, "snapshot.away",
                {{"reason", base::ReasonOf(status)}, {"advice", std::string("start the access service")}});
    }
    return heard;
  }

  // A snapshot that is not newer says only that access is there.
  void Take(const v1::Snapshot& message) {
    const auto held = holder.Get();
    if (message.version() > held->version) holder.Set(FromMessage(message, *held));
  }

  bool Enter(grpc::ClientContext& context) {
    base::MutexLock lock(mutex);
    running = stopped ? nullptr : &context;
    return !stopped;
  }
  void Leave() {
    base::MutexLock lock(mutex);
    running = nullptr;
  }
  bool Stopped() {
    base::MutexLock lock(mutex);
    return stopped;
  }

  const std::unique_ptr<v1::SnapshotService::Stub> stub;
  const std::string token;
  policy::SnapshotHolder& holder;
  base::Mutex mutex;
  base::CondVar stop;
  bool stopped ABSL_GUARDED_BY(mutex) = false;
  grpc::ClientContext* running ABSL_GUARDED_BY(mutex) = nullptr;
  std::thread thread;
};

SnapshotClient::SnapshotClient(std::shared_ptr<grpc::Channel> access, std::string token,
                               policy::SnapshotHolder& holder)
    : impl_(std::make_unique<Impl>(access, std::move(token), holder)) {}

SnapshotClient::~SnapshotClient() {
  Stop();
}

void SnapshotClient::Start() {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

void SnapshotClient::Stop() {
  {
    base::MutexLock lock(impl_->mutex);
    impl_->stopped = true;
    if (impl_->running != nullptr) impl_->running->TryCancel();
    impl_->stop.NotifyAll();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace pharos::rpc
