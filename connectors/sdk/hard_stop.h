// The hard stop of the permit protocol: no byte of a hand-over leaves this process after its deadline,
// whatever happens to the process. A kernel timer on CLOCK_BOOTTIME kills the process with SIGKILL at the
// earliest deadline of any open hand-over; it fires on a stopped process too, and sockets with SO_LINGER
// {1,0} then drop their send queue. Orderly code resets the connection a little earlier; the kill is the
// backstop.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <set>

#include "absl/status/statusor.h"

namespace pharos::sdk {

// Not thread-safe: belongs to the thread that hands over. Destroying it disarms it.
class HardStop {
 public:
  // UNAVAILABLE (NO_HARD_STOP): the kernel gave no timer; such a process may not carry messages.
  static absl::StatusOr<std::unique_ptr<HardStop>> Make();
  ~HardStop();
  HardStop(const HardStop&) = delete;
  HardStop& operator=(const HardStop&) = delete;

  // Opens a hand-over that must be over by `deadline_us` (CLOCK_BOOTTIME, microseconds; must lie ahead). When
  // it returns, the timer is armed.
  void Open(int64_t deadline_us);
  // It is over: the kernel shows its bytes acknowledged, or the provider has answered, or the connection was
  // reset.
  void Close(int64_t deadline_us);
  // Earliest open deadline; 0 = none open, disarmed.
  int64_t Earliest() const { return open_.empty() ? 0 : *open_.begin(); }

 private:
  explicit HardStop(timer_t timer) : timer_(timer) {}
  void Arm();

  timer_t timer_;
  std::multiset<int64_t> open_;
  int64_t armed_us_ = 0;
};

}  // namespace pharos::sdk
