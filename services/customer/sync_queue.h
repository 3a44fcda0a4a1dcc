// Between the thread that reads a feed and the one that stores it: items in order, and how many of them are
// not answered yet. Whoever does not read our answers is not read either. Thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/base/mutex.h"
#include "services/customer/sync_item.h"

namespace pharos::customer {

class SyncQueue {
 public:
  static constexpr size_t kMostUnanswered = 4096;  // items, as the API says
  static constexpr size_t kMostBytes =
      size_t{16} << 20;  // of items not answered: past it a feed waits, so that 256 of them fit into memory

  // Waits until there is room. False: nothing is taken any more.
  bool Push(std::vector<SyncReading> items, size_t bytes) {
    base::MutexLock lock(mutex_);
    while (!closed_ && !HasRoom(items.size(), bytes)) room_.Wait(lock);
    if (closed_) return false;
    unanswered_ += items.size();
    bytes_ += bytes;
    std::move(items.begin(), items.end(), std::back_inserter(items_));
    arrived_.NotifyAll();
    return true;
  }
  // Nothing more comes; `status`: why, where it is an error.
  void Finish(absl::Status status) {
    base::MutexLock lock(mutex_);
    finished_ = true;
    status_ = std::move(status);
    arrived_.NotifyAll();
  }

  // Up to `most` items: what there is, once there are `enough` of them, or after `gather_us` what has come by
  // then. Empty: nothing has come for `wait_us`, or nothing more will (`over`).
  std::vector<SyncReading> Take(size_t enough, size_t most, int64_t gather_us, int64_t wait_us, bool& over) {
    base::MutexLock lock(mutex_);
    if (items_.empty() && !finished_ && !closed_) arrived_.WaitForMicros(lock, wait_us);
    for (size_t before = 0; gather_us > 0 && MoreWillCome(enough) && items_.size() != before;) {
      before = items_.size();
      arrived_.WaitForMicros(lock, gather_us);
    }
    over = items_.empty() && finished_;
    std::vector<SyncReading> taken;
    const size_t count = std::min(most, items_.size());
    taken.reserve(count);
    std::move(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(count), std::back_inserter(taken));
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(count));
    return taken;
  }
  // So many more are answered.
  void Answered(size_t items) {
    base::MutexLock lock(mutex_);
    unanswered_ -= items;
    bytes_ = unanswered_ == 0 ? 0 : bytes_ - bytes_ * items / (unanswered_ + items);
    room_.NotifyAll();
  }
  // Takes no more.
  void Close() {
    base::MutexLock lock(mutex_);
    closed_ = true;
    room_.NotifyAll();
    arrived_.NotifyAll();
  }

  // Whether the reading has ended, within `micros`.
  bool AwaitFinish(int64_t micros) {
    base::MutexLock lock(mutex_);
    if (!finished_) arrived_.WaitForMicros(lock, micros);
    return finished_;
  }
  absl::Status status() {
    base::MutexLock lock(mutex_);
    return status_;
  }

 private:
  bool HasRoom(size_t items, size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return unanswered_ == 0 || (unanswered_ + items <= kMostUnanswered && bytes_ + bytes <= kMostBytes);
  }
  // Some have come, fewer than enough. Whoever is full sends no more before an answer.
  bool MoreWillCome(size_t enough) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !items_.empty() && items_.size() < enough && !finished_ && !closed_ && bytes_ < kMostBytes / 2;
  }

  base::Mutex mutex_;
  base::CondVar arrived_, room_;
  std::deque<SyncReading> items_ ABSL_GUARDED_BY(mutex_);
  size_t unanswered_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // roughly
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::customer
