// Turns, in the order of asking: whoever holds the lane is the only one to change the index and the registry.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>

#include "services/base/mutex.h"

namespace pharos::customer {

class Lane {
 public:
  class Turn {
   public:
    explicit Turn(Lane& lane) : Turn(lane, kNever) {}
    // Comes without the lane as soon as `done`, which is set in somebody else's turn: nothing is left to do.
    Turn(Lane& lane, const std::atomic<bool>& done) : lane_(lane), held_(lane.Await(done)) {}
    ~Turn() {
      if (held_) lane_.Leave();
    }
    Turn(const Turn&) = delete;
    bool held() const { return held_; }

   private:
    static constexpr std::atomic<bool> kNever = false;
    Lane& lane_;
    const bool held_;
  };

 private:
  bool Await(const std::atomic<bool>& done) {
    base::MutexLock lock(mutex_);
    const uint64_t ticket = next_++;
    while (serving_ != ticket && !done) free_.Wait(lock);
    if (serving_ == ticket) return true;
    given_up_.insert(ticket);
    return false;
  }
  void Leave() {
    base::MutexLock lock(mutex_);
    ++serving_;
    while (given_up_.erase(serving_) > 0) ++serving_;
    free_.NotifyAll();
  }

  base::Mutex mutex_;
  base::CondVar free_;
  std::set<uint64_t> given_up_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t serving_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace pharos::customer
