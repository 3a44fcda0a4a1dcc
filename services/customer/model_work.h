// Work on all records that may take longer than a call: it goes on when its caller's deadline has passed, and
// whoever asks for the same again meanwhile waits for it instead of beginning it once more.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "services/base/mutex.h"

namespace pharos::customer {

// Thread-safe.
class ModelWork {
 public:
  // Runs `work` on this thread and gives its status. While other work runs: waits at most `patience_us` for
  // its end; then UNAVAILABLE (STILL_WORKING). `done_already` is asked when it is our turn: true: what ran
  // meanwhile has done it.
  absl::Status Run(int64_t patience_us, const std::function<bool()>& done_already,
                   const std::function<absl::Status()>& work);

 private:
  base::Mutex mutex_;
  base::CondVar ended_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace pharos::customer
