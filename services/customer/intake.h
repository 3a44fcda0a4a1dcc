// How many imports run at once: each holds a batch of rows in memory. Their writes take turns in the linker.
// Thread-safe.
#pragma once

#include "services/base/mutex.h"

namespace pharos::customer {

class Intake {
 public:
  // False if kMostImports run already.
  bool Enter();
  void Leave();

  static constexpr int kMostImports = 8;  // each waits for at most seven batches of the others

 private:
  base::Mutex mutex_;
  int imports_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace pharos::customer
