#include "services/base/clock.h"

#include <time.h>

namespace pharos::base {
namespace {

int64_t Nanos(clockid_t id) {
  timespec at{};
  clock_gettime(id, &at);
  return int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

class SystemClock : public Clock {
 public:
  int64_t WallMicros() const override { return Nanos(CLOCK_REALTIME) / 1000; }
  int64_t WallNanos() const override { return Nanos(CLOCK_REALTIME); }
  int64_t BootMicros() const override { return Nanos(CLOCK_BOOTTIME) / 1000; }
};

}  // namespace

Clock& Clock::System() {
  static SystemClock clock;
  return clock;
}

}  // namespace pharos::base
