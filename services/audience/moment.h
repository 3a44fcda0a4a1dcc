// The moment that a question is about: now, or a day that is kept.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "services/audience/asking.h"
#include "services/audience/feed_client.h"
#include "services/audience/people_index.h"
#include "services/audience/snapshot_shelf.h"
#include "services/base/clock.h"

namespace pharos::audience {

struct Moment {
  const PeopleIndex* index = nullptr;
  AskFreshness ask;         // a kept day waits for nobody
  int64_t now_us = 0;       // for ages and days
  int64_t snapshot_us = 0;  // when the kept day was taken; 0: now
  std::shared_ptr<const Snapshot> snapshot;

  // What CheckAsking is to wait for.
  uint64_t MinPosition(uint64_t asked) const { return snapshot == nullptr ? asked : index->position(); }
  // The same people by their numbers of today, so that questions about different days can be compared.
  PeopleSet Today(const PeopleSet& people) const {
    return snapshot == nullptr ? people : snapshot->Today(people);
  }
};

// `as_of_us` 0: now. FAILED_PRECONDITION SNAPSHOT_NOT_KEPT, also without a shelf; the other errors of
// SnapshotShelf::At.
absl::StatusOr<Moment> MomentOf(int64_t as_of_us, const PeopleIndex& index, const AskFreshness& ask,
                                base::Clock& clock, SnapshotShelf* shelf);

}  // namespace pharos::audience
