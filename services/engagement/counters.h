// The newest counters in memory, for those who watch: what the feed brings wakes them. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "pharos/record/v1/engagement.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/engagement/counters_store.h"

namespace pharos::engagement {

class Counters {
 public:
  Counters(CountersStore& store, base::Clock& clock)
      : store_(store), clock_(clock), heard_us_(clock.BootMicros()) {}

  // Writes what came and wakes those who watch what changed. Called by the feed's thread only.
  absl::Status Apply(const dispatch::internal::v1::FollowEventsResponse& news);
  // Counters as they are now; zeros if nothing is known of the campaign.
  absl::StatusOr<v1::Counters> Now(const std::string& campaign);
  // Waits up to `micros` for counters newer than `position`. False: they are not, or the service stops.
  bool WaitForNewer(const std::string& campaign, uint64_t position, int64_t micros);
  // Waits up to `micros` until something after `position` has been applied since the start.
  void WaitForApplied(uint64_t position, int64_t micros);
  void Stop();
  bool stopping() const;

  static constexpr size_t kMostKept = 1000;  // campaigns in memory; past it they are read again

 private:
  absl::StatusOr<record::v1::CountersRow> Row(const std::string& campaign);

  CountersStore& store_;
  base::Clock& clock_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::unordered_map<std::string, record::v1::CountersRow> rows_ ABSL_GUARDED_BY(mutex_);
  int64_t heard_us_ ABSL_GUARDED_BY(mutex_);      // boot time of dispatch's last word, or of the start
  uint64_t applied_ ABSL_GUARDED_BY(mutex_) = 0;  // position of the last batches since the start
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace pharos::engagement
