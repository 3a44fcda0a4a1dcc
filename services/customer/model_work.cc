#include "services/customer/model_work.h"

#include <chrono>

#include "services/customer/errors.h"

namespace pharos::customer {

absl::Status ModelWork::Run(int64_t patience_us, const std::function<bool()>& done_already,
                            const std::function<absl::Status()>& work) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::microseconds(patience_us);
  {
    base::MutexLock lock(mutex_);
    while (running_) {
      const auto left =
          std::chrono::duration_cast<std::chrono::microseconds>(give_up - std::chrono::steady_clock::now());
      if (left.count() <= 0) return errors::StillWorking();
      ended_.WaitForMicros(lock, left.count());
    }
    running_ = true;
  }
  const absl::Status status = done_already() ? absl::OkStatus() : work();
  base::MutexLock lock(mutex_);
  running_ = false;
  ended_.NotifyAll();
  return status;
}

}  // namespace pharos::customer
