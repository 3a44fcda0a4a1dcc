// Fairness among transactions that want the same keys. Without it a slow one could lose against quick ones
// for ever. One that has lost several times takes the turn; while somebody has it, nobody else begins an
// attempt.
//
// All waiting is bounded by kMaxTurnMicros: a turn is a favour, not a lock, and what it cannot give it does
// not block.
#pragma once

#include <chrono>
#include <cstdint>

#include "services/base/mutex.h"

namespace pharos::storage {

class Turn {
 public:
  static constexpr int64_t kMaxTurnMicros = 20'000;  // many times a sync on a slow disk
  static constexpr int kPatience = 6;                // attempts before one asks for the turn

  // One transaction's side of it. Used by one thread.
  class Seat {
   public:
    explicit Seat(Turn& turn) : turn_(turn) {}
    ~Seat() {
      if (mine_) turn_.GiveBack();
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    // Before attempt number `attempt` (from 0): waits while another has the turn; takes it if the transaction
    // has lost for long.
    void Await(int attempt) {
      if (!mine_) mine_ = turn_.Await(attempt >= kPatience);
    }

   private:
    Turn& turn_;
    bool mine_ = false;
  };

 private:
  // True if the turn was taken.
  bool Await(bool take) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::microseconds(kMaxTurnMicros);
    base::MutexLock lock(mutex_);
    while (taken_) {
      const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - Clock::now()).count();
      if (left <= 0) return false;
      free_.WaitForMicros(lock, left);
    }
    if (take) taken_ = true;
    return take;
  }
  void GiveBack() {
    base::MutexLock lock(mutex_);
    taken_ = false;
    free_.NotifyAll();
  }

  base::Mutex mutex_;
  base::CondVar free_;
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace pharos::storage
