#include "services/rpc/host.h"

#include <grpcpp/server_context.h>

#include <algorithm>

#include "services/base/clock.h"

namespace pharos::rpc {
namespace {

int64_t Now() {
  return base::Clock::System().BootMicros();
}

}  // namespace

Host::Host(const Credentials& credentials)
    : credentials_(credentials), sweeper_([this] { SweepUntilClosed(); }) {}

Host::~Host() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  sweeper_.join();
}

void Host::SweepUntilClosed() {
  base::MutexLock lock(mutex_);
  while (!stopping_) {
    stop_.WaitForMicros(lock, kSweepMicros);
    Sweep();
  }
}

void Host::Sweep() {
  for (auto& [context, entry] : running_) {
    if (!entry.allowed || entry.allowed()) continue;
    if (entry.warned) context->TryCancel();
    entry.warned = true;
  }
}

bool Host::Enter(grpc::ServerContext& context, CallKind kind, std::function<bool()> allowed) {
  base::MutexLock lock(mutex_);
  if (closed_ || (draining_ && kind != CallKind::kNested)) return false;
  running_.emplace(&context, Entry{kind, std::move(allowed)});
  return true;
}

void Host::Leave(grpc::ServerContext& context) {
  base::MutexLock lock(mutex_);
  running_.erase(&context);
  if (draining_) left_.NotifyAll();
}

void Host::Drain(int64_t grace_us) {
  const int64_t end_us = Now() + grace_us;
  base::MutexLock lock(mutex_);
  draining_ = true;
  Cancel(/*endless_only=*/true);
  WaitUntilDone(lock, /*nested_too=*/false, end_us);
  closed_ = true;
  WaitUntilDone(lock, /*nested_too=*/true, end_us);
  Cancel(/*endless_only=*/false);
  WaitUntilDone(lock, /*nested_too=*/true, Now() + kNoticeMicros);
}

bool Host::Running(bool nested_too) const {
  return std::any_of(running_.begin(), running_.end(),
                     [&](const auto& call) { return nested_too || call.second.kind != CallKind::kNested; });
}

void Host::WaitUntilDone(base::MutexLock& lock, bool nested_too, int64_t end_us) {
  while (Running(nested_too) && Now() < end_us) left_.WaitForMicros(lock, end_us - Now());
}

// Under the lock, which keeps the contexts alive; cancelling only queues.
void Host::Cancel(bool endless_only) {
  for (const auto& [context, entry] : running_) {
    if (!endless_only || entry.kind == CallKind::kEndless) context->TryCancel();
  }
}

}  // namespace pharos::rpc
