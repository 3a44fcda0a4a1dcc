// A bounded queue between threads: Push waits for room (or says no), PopAll takes everything that is there.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "services/base/mutex.h"

namespace pharos::base {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t limit) : limit_(limit) {}

  // Waits for room. False once closed.
  bool Push(T item) {
    MutexLock lock(mutex_);
    while (!closed_ && items_.size() >= limit_) room_.Wait(lock);
    if (closed_) return false;
    items_.push_back(std::move(item));
    filled_.NotifyOne();
    return true;
  }
  // False if full or closed.
  bool TryPush(T item) {
    MutexLock lock(mutex_);
    if (closed_ || items_.size() >= limit_) return false;
    items_.push_back(std::move(item));
    filled_.NotifyOne();
    return true;
  }
  // Up to `most` items; waits up to `wait_us` for the first. Empty on time-out or when closed and drained.
  std::vector<T> PopAll(size_t most, int64_t wait_us) {
    MutexLock lock(mutex_);
    if (items_.empty() && !closed_ && !nudged_ && wait_us > 0) filled_.WaitForMicros(lock, wait_us);
    nudged_ = false;
    std::vector<T> taken;
    while (!items_.empty() && taken.size() < most) {
      taken.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    if (!taken.empty()) room_.NotifyAll();
    return taken;
  }
  // PopAll returns at once, this time: there is something else to do.
  void Nudge() {
    MutexLock lock(mutex_);
    nudged_ = true;
    filled_.NotifyAll();
  }
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    filled_.NotifyAll();
    room_.NotifyAll();
  }
  bool closed() {
    MutexLock lock(mutex_);
    return closed_ && items_.empty();
  }
  size_t size() {
    MutexLock lock(mutex_);
    return items_.size();
  }

 private:
  const size_t limit_;
  Mutex mutex_;
  CondVar filled_, room_;
  std::deque<T> items_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool nudged_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace pharos::base
