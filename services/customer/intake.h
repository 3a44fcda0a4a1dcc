// The one lane through which imports write: a batch at a time, so that two imports take turns instead of
// undoing each other's transactions. Thread-safe.
#pragma once

#include "services/base/mutex.h"

namespace pharos::customer {

class Intake {
 public:
  // False if kMostImports run already.
  bool Enter();
  void Leave();

  // Holds the lane for one batch.
  class Turn {
   public:
    explicit Turn(Intake& intake);
    ~Turn();
    Turn(const Turn&) = delete;

   private:
    Intake& intake_;
  };

  static constexpr int kMostImports = 8;  // each waits for at most seven batches of the others

 private:
  base::Mutex mutex_;
  base::CondVar free_;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  int imports_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace pharos::customer
