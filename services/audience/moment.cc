#include "services/audience/moment.h"

#include "services/audience/errors.h"
#include "services/base/errors.h"

namespace pharos::audience {

absl::StatusOr<Moment> MomentOf(int64_t as_of_us, const PeopleIndex& index, const AskFreshness& ask,
                                base::Clock& clock, SnapshotShelf* shelf) {
  if (as_of_us == 0) return Moment{&index, ask, clock.WallMicros(), 0, nullptr};
  if (shelf == nullptr) return AudienceErrors::SnapshotNotKept(0);
  PHAROS_ASSIGN_OR_RETURN(std::shared_ptr<const Snapshot> snapshot, shelf->At(as_of_us));
  const int64_t time_us = snapshot->time_us;
  const PeopleIndex* then = snapshot->index.get();
  return Moment{then, ask.WithoutEngagement(), time_us, time_us, std::move(snapshot)};
}

}  // namespace pharos::audience
