// Turns, in the order of asking: whoever holds the lane is the only one to change the index and the registry.
// Thread-safe.
#pragma once

#include <cstdint>

#include "services/base/mutex.h"

namespace pharos::customer {

class Lane {
 public:
  class Turn {
   public:
    explicit Turn(Lane& lane) : lane_(lane) {
      base::MutexLock lock(lane_.mutex_);
      const uint64_t ticket = lane_.next_++;
      while (lane_.serving_ != ticket) lane_.free_.Wait(lock);
    }
    ~Turn() {
      base::MutexLock lock(lane_.mutex_);
      ++lane_.serving_;
      lane_.free_.NotifyAll();
    }
    Turn(const Turn&) = delete;

   private:
    Lane& lane_;
  };

 private:
  base::Mutex mutex_;
  base::CondVar free_;
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t serving_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace pharos::customer
