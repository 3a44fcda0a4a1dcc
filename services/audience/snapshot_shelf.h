// How everybody was on earlier days: a checkpoint of each day, sealed as it is, kept for four weeks, and read
// when somebody asks. One is in memory at a time. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/audience/people_index.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "storage/seal.h"

namespace pharos::audience {

// Everybody at `time_us`, but for those who are gone since, like the erased: places by today's reference
// data.
struct Snapshot {
  int64_t time_us = 0;
  std::unique_ptr<PeopleIndex> index;
  std::vector<PersonNo> today;  // by number in `index`: who that is in the index of today; kNobodyNow

  static constexpr PersonNo kNobodyNow = UINT32_MAX;
  // The same people, by the numbers of the index of today.
  PeopleSet Today(const PeopleSet& people) const;
};

class SnapshotShelf {
 public:
  // An erased person is gone from every snapshot within the month that Article 12(3) of the UK GDPR gives.
  static constexpr int64_t kKeepUs = 28ll * 24 * 3600 * 1'000'000;
  static constexpr size_t kMostKept = 29;
  // The one in memory is let go when nobody has asked for it for so long, and read anew, without those who
  // are gone by then, after kMostLoadedUs.
  static constexpr int64_t kIdleUs = 900'000'000;
  static constexpr int64_t kMostLoadedUs = 3'600'000'000;

  // `folder`: of the audience service; empty: nothing is kept. `live` is the index of today.
  SnapshotShelf(std::string folder, const PeopleIndex& live, base::Clock& clock);

  // Until then nothing can be read.
  void SetKeys(std::shared_ptr<storage::KeyRing> keys);
  // There is none of today, by the calendar in London.
  bool Due() const;
  // `file` is a checkpoint of `time_us` that is whole and never written again; drops what is too old.
  absl::Status Keep(const std::string& file, int64_t time_us);
  // Lets go of what nobody uses, in memory and on disk.
  void Tidy();

  // The newest at or before `as_of_us`; reads it if need be, which takes seconds for a million people.
  // FAILED_PRECONDITION SNAPSHOT_NOT_KEPT; INVALID_ARGUMENT AS_OF_IN_FUTURE; UNAVAILABLE SNAPSHOT_UNREADABLE.
  absl::StatusOr<std::shared_ptr<const Snapshot>> At(int64_t as_of_us);

 private:
  std::vector<int64_t> Times() const;  // of those on disk, ascending
  std::string PathOf(int64_t time_us) const;
  absl::StatusOr<std::shared_ptr<const Snapshot>> Read(int64_t time_us, storage::KeyRing& keys) const;
  void DropOld() const;

  const std::string folder_;
  const PeopleIndex& live_;
  base::Clock& clock_;
  mutable base::Mutex mutex_;  // held while one is read: others wait for it
  std::shared_ptr<storage::KeyRing> keys_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Snapshot> loaded_ ABSL_GUARDED_BY(mutex_);
  int64_t loaded_us_ ABSL_GUARDED_BY(mutex_) = 0, used_us_ ABSL_GUARDED_BY(mutex_) = 0;  // boot time
};

}  // namespace pharos::audience
