#include "services/engagement/counters.h"

#include <algorithm>

#include "services/base/errors.h"

namespace pharos::engagement {

absl::Status Counters::Apply(const dispatch::internal::v1::FollowEventsResponse& news) {
  const int64_t heard_us = clock_.BootMicros();
  std::map<std::string, record::v1::CountersRow> changed;
  const bool any = news.batches_size() > 0 || news.replies_size() > 0;
  if (any) {
    PHAROS_ASSIGN_OR_RETURN(changed, store_.Apply(news));
  }
  base::MutexLock lock(mutex_);
  heard_us_ = heard_us;
  if (any) applied_ = std::max<uint64_t>(applied_, news.position());
  if (rows_.size() > kMostKept) rows_.clear();
  for (auto& [campaign, row] : changed) rows_[campaign] = std::move(row);
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::StatusOr<record::v1::CountersRow> Counters::Row(const std::string& campaign) {
  {
    base::MutexLock lock(mutex_);
    if (const auto at = rows_.find(campaign); at != rows_.end()) return at->second;
  }
  PHAROS_ASSIGN_OR_RETURN(record::v1::CountersRow row, store_.Load(campaign));
  base::MutexLock lock(mutex_);
  return rows_.emplace(campaign, std::move(row))
      .first->second;  // what the feed brought meanwhile is newer and stays
}

absl::StatusOr<v1::Counters> Counters::Now(const std::string& campaign) {
  PHAROS_ASSIGN_OR_RETURN(record::v1::CountersRow row, Row(campaign));
  v1::Counters counters;
  counters.set_campaign(campaign);
  *counters.mutable_tally() = std::move(*row.mutable_tally());
  counters.set_position(row.position());
  counters.set_event_time_us(row.event_time_us());
  counters.set_wrong_from_position(row.wrong_from_position());
  counters.set_time_us(clock_.WallMicros());
  base::MutexLock lock(mutex_);
  counters.set_behind_us(clock_.BootMicros() - heard_us_);
  return counters;
}

bool Counters::WaitForNewer(const std::string& campaign, uint64_t position, int64_t micros) {
  const int64_t until = clock_.BootMicros() + micros;
  base::MutexLock lock(mutex_);
  while (!stopping_) {
    const auto at = rows_.find(campaign);
    if (at != rows_.end() && at->second.position() > position) return true;
    const int64_t left = until - clock_.BootMicros();
    if (left <= 0 || !changed_.WaitForMicros(lock, left)) return false;
  }
  return false;
}

void Counters::WaitForApplied(uint64_t position, int64_t micros) {
  const int64_t until = clock_.BootMicros() + micros;
  base::MutexLock lock(mutex_);
  while (!stopping_ && applied_ <= position) {
    const int64_t left = until - clock_.BootMicros();
    if (left <= 0 || !changed_.WaitForMicros(lock, left)) return;
  }
}

void Counters::Stop() {
  base::MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

bool Counters::stopping() const {
  base::MutexLock lock(mutex_);
  return stopping_;
}

}  // namespace pharos::engagement
