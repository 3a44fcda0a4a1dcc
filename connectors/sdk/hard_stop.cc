#include "connectors/sdk/hard_stop.h"

#include <csignal>
#include <cstdlib>

#include "services/base/errors.h"

namespace pharos::sdk {

absl::StatusOr<std::unique_ptr<HardStop>> HardStop::Make() {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer;
  if (timer_create(CLOCK_BOOTTIME, &event, &timer) != 0)
    return base::MakeError(absl::StatusCode::kUnavailable, "NO_HARD_STOP",
                           "the kernel gives no CLOCK_BOOTTIME timer, so a message could leave after a STOP; "
                           "run the connector on "
                           "Linux 2.6.39 or newer, and look at the limit of pending signals (ulimit -i)");
  return std::unique_ptr<HardStop>(new HardStop(timer));
}

HardStop::~HardStop() {
  timer_delete(timer_);
}

void HardStop::Open(int64_t deadline_us) {
  open_.insert(deadline_us);
  Arm();
}

void HardStop::Close(int64_t deadline_us) {
  auto it = open_.find(deadline_us);
  if (it == open_.end()) return;
  open_.erase(it);
  Arm();
}

void HardStop::Arm() {
  int64_t earliest = Earliest();
  if (earliest == armed_us_) return;
  itimerspec when{};
  when.it_value.tv_sec = earliest / 1'000'000;
  when.it_value.tv_nsec = earliest % 1'000'000 * 1000;
  // A hand-over without its hard stop would break the promise to the person: better no process.
  if (timer_settime(timer_, TIMER_ABSTIME, &when, nullptr) != 0) abort();
  armed_us_ = earliest;
}

}  // namespace pharos::sdk
