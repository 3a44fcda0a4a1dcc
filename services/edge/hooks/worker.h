// One webhook at work: reads its partner's feed as the partner, from where it was, and posts each event until
// the receiver has accepted it, in order. An event that fails holds back those behind it. At least once:
// where it starts again (a restart, a failure) it reads the feed anew from the last durable place, so that
// nothing old is posted, and the same event comes with the same id.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/edge/backend_client.h"
#include "services/edge/hooks/health.h"
#include "services/edge/hooks/hook_settings.h"
#include "services/edge/hooks/place_file.h"
#include "services/edge/hooks/retry.h"
#include "services/edge/hooks/sender.h"

namespace pharos::edge::hooks {

// Thread-safe.
class Worker {
 public:
  // What was read longer ago is read anew: it may not be so any more.
  static constexpr int64_t kMostHeldMicros = 60'000'000;
  // How old may be what we know of the agreement when something is posted under it.
  static constexpr int64_t kAgreedMicros = 1'000'000;

  // `folder` holds the places of all webhooks.
  Worker(Hook hook, std::unique_ptr<Sender> sender, const Backend& backend, std::string folder,
         base::Clock& clock, const Pace& pace);
  ~Worker();
  void Start();
  // What is being posted is cut off; it comes again. Does not wait.
  void Cancel();
  // Cancels, and waits for the thread. Idempotent.
  void Stop();

 private:
  enum class Next {
    kGoOn,
    kReadAnew,   // at once
    kReadLater,  // after pause_us_
    kNever,      // stopped, or the receiver wants nothing any more
  };
  void Run();
  Next Follow();
  Next Take(const std::string& message);
  Next Post(const Event& event);
  Next MoveTo(const std::string& cursor);
  Next Later(std::string what, std::string reason, int status = 0, int64_t at_least_us = 0);
  Next FeedEnded(const absl::Status& status);
  absl::Status OpenPlace();
  absl::Status StillAgreed();
  bool WasAccepted(const Event& event) const;
  bool Stopped();
  void Pause(int64_t micros);

  const Hook hook_;
  const std::unique_ptr<Sender> sender_;
  const Backend& backend_;
  const std::string folder_;
  base::Clock& clock_;
  const Pace pace_;

  // Of the thread.
  Health health_;
  std::unique_ptr<PlaceFile> file_;
  // Accepted since the durable cursor, by subject: at most as many as change between two cursors, some
  // thousands.
  std::map<std::string, std::string> accepted_;
  int failures_ = 0;  // in a row
  int64_t pause_us_ = 0;
  int64_t fresh_us_ = 0;   // what was read since is no older than this
  int64_t agreed_us_ = 0;  // when the agreement was in force
  bool heard_ = false;     // something since the stream was opened

  base::Mutex mutex_;
  base::CondVar wake_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::edge::hooks
