// Everybody, in memory, as the customer service's feed tells it. Any number of threads may read while one
// applies.
#pragma once

#include <cstdint>
#include <functional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "services/audience/compact_person.h"
#include "services/base/mutex.h"

namespace pharos::audience {

class PeopleIndex {
 public:
  // One message of the feed. One thread at a time.
  void Apply(const customer::internal::v1::FollowPeopleResponse& response);
  // Forgets everybody: the feed starts again at 0.
  void Reset();
  // The cursor to follow from; 0: the first snapshot is not complete.
  uint64_t position() const;

  // Waits until everything up to `position` has been applied, at most `micros`. UNAVAILABLE AUDIENCE_LOADING
  // before the first snapshot is complete, AUDIENCE_BEHIND after. Position 0 (nothing was ever written) needs
  // no waiting.
  absl::Status WaitForPosition(uint64_t position, int64_t micros) const;
  // Ends all waiting, now and later.
  void Stop();

  // Everybody at one moment, in no order; `start` is called first, with the pool and the position of that
  // moment. Changes wait meanwhile (about a second for a million people), so `visit` does no I/O.
  using Start = std::function<absl::Status(const StringPool& pool, uint64_t position)>;
  using Visit = std::function<void(std::string_view id, const CompactPerson& person)>;
  absl::Status ForEach(const Start& start, const Visit& visit) const;

 private:
  mutable std::shared_mutex people_mutex_;  // guards pool_, people_, people_position_
  StringPool pool_;
  std::unordered_map<std::string, CompactPerson> people_;  // by id, without "people/"
  uint64_t people_position_ = 0;

  mutable base::Mutex wait_mutex_;
  mutable base::CondVar moved_;
  uint64_t position_ ABSL_GUARDED_BY(wait_mutex_) = 0;  // follows people_position_
  bool stopped_ ABSL_GUARDED_BY(wait_mutex_) = false;
};

}  // namespace pharos::audience
