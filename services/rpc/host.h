// What one server gives all its services: credentials, and the calls that run, for draining. Thread-safe.
#pragma once

#include <atomic>
#include <unordered_map>

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
  explicit Host(const Credentials& credentials) : credentials_(credentials) {}
  const Credentials& credentials() const { return credentials_; }
  bool draining() const { return draining_; }

  // False: do not start the call. The context must live until Leave.
  bool Enter(grpc::ServerContext& context, CallKind kind);
  void Leave(grpc::ServerContext& context);

  // Refuses new calls and waits for running ones, up to `grace_us`; then cancels them and waits for the
  // handlers to notice, up to kNoticeMicros. gRPC's own shutdown cannot do this: it cuts calls in process at
  // once.
  void Drain(int64_t grace_us);

  static constexpr int64_t kNoticeMicros = 1'000'000;

 private:
  bool Running(bool nested_too) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WaitUntilDone(base::MutexLock& lock, bool nested_too, int64_t end_us)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Cancel(bool endless_only) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Credentials& credentials_;
  std::atomic<bool> draining_ = false;
  base::Mutex mutex_;
  base::CondVar left_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;  // nested calls are refused too
  std::unordered_map<grpc::ServerContext*, CallKind> running_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::rpc
