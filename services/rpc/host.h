// What one server gives all its services: credentials, and the calls that run, for draining and for ending
// streams of callers who may call no longer. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <unordered_map>

#include "absl/status/status.h"
#include "services/base/mutex.h"

namespace grpc {
class ServerContext;
}

namespace pharos::rpc {

class Credentials;

// How a call ends when the server drains.
enum class CallKind {
  kPlain,    // may finish; no new one starts
  kNested,   // one of our own processes asks: may start as long as a plain call may be waiting for it
  kEndless,  // a stream between our own processes: cancelled at once, both sides resume
};

class Host {
 public:
  explicit Host(const Credentials& credentials);
  ~Host();  // no call runs any more
  const Credentials& credentials() const { return credentials_; }
  bool draining() const { return draining_; }

  // False: do not start the call. The context must live until Leave.
  // `allowed` (of streams; may be empty) says whether the caller may still call: asked every kSweepMicros. A
  // handler that polls Call::cancelled() ends by itself; one that does not is cancelled at the next sweep. It
  // must be quick and live until Leave.
  bool Enter(grpc::ServerContext& context, CallKind kind, std::function<bool()> allowed = {});
  void Leave(grpc::ServerContext& context);

  // Refuses new calls and waits for running ones, up to `grace_us`; then cancels them and waits for the
  // handlers to notice, up to kNoticeMicros. gRPC's own shutdown cannot do this: it cuts calls in process at
  // once.
  void Drain(int64_t grace_us);

  static constexpr int64_t kNoticeMicros = 1'000'000;
  static constexpr int64_t kSweepMicros =
      300'000;  // twice this is well under the second that a revocation may take

 private:
  struct Entry {
    CallKind kind;
    std::function<bool()> allowed;
    bool warned = false;  // at the sweep before, it was no longer allowed
  };

  bool Running(bool nested_too) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WaitUntilDone(base::MutexLock& lock, bool nested_too, int64_t end_us)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SweepUntilClosed();
  void Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Cancel(bool endless_only) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Credentials& credentials_;
  std::atomic<bool> draining_ = false;
  base::Mutex mutex_;
  base::CondVar left_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;  // nested calls are refused too
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  base::CondVar stop_;
  std::unordered_map<grpc::ServerContext*, Entry> running_ ABSL_GUARDED_BY(mutex_);
  std::thread sweeper_;  // last: it uses everything above
};

}  // namespace pharos::rpc
