#include "services/audience/people_index.h"

#include <algorithm>
#include <chrono>

#include "services/audience/errors.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::audience {

void PeopleIndex::Apply(const customer::internal::v1::FollowPeopleResponse& response) {
  uint64_t reached = 0;
  {
    std::unique_lock lock(people_mutex_);
    for (const auto& state : response.people()) {
      const std::string id = base::Segment(state.person(), "people");
      if (state.gone()) {
        people_.erase(id);
      } else {
        people_.insert_or_assign(id, MakeCompact(state, pool_));
      }
    }
    people_position_ = reached = std::max<uint64_t>(people_position_, response.cursor());
  }
  base::MutexLock lock(wait_mutex_);
  position_ = reached;
  moved_.NotifyAll();
}

void PeopleIndex::Reset() {
  {
    std::unique_lock lock(people_mutex_);
    people_.clear();
    pool_ = StringPool();
    people_position_ = 0;
  }
  base::MutexLock lock(wait_mutex_);
  position_ = 0;
}

uint64_t PeopleIndex::position() const {
  base::MutexLock lock(wait_mutex_);
  return position_;
}

absl::Status PeopleIndex::WaitForPosition(uint64_t position, int64_t micros) const {
  using std::chrono::steady_clock;
  const auto until = steady_clock::now() + std::chrono::microseconds(micros);
  base::MutexLock lock(wait_mutex_);
  while (position_ < position && !stopped_) {
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(until - steady_clock::now()).count();
    if (left <= 0) break;
    moved_.WaitForMicros(lock, left);
  }
  if (position_ >= position) return absl::OkStatus();
  return position_ == 0 ? AudienceErrors::Loading() : AudienceErrors::Behind(position_, position);
}

void PeopleIndex::Stop() {
  base::MutexLock lock(wait_mutex_);
  stopped_ = true;
  moved_.NotifyAll();
}

absl::Status PeopleIndex::ForEach(const Start& start, const Visit& visit) const {
  std::shared_lock lock(people_mutex_);
  PHAROS_RETURN_IF_ERROR(start(pool_, people_position_));
  for (const auto& [id, person] : people_) visit(id, person);
  return absl::OkStatus();
}

}  // namespace pharos::audience
