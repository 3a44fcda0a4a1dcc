// Time. Rules receive `now`; loops own a Clock. Wall time for records, monotonic for waiting.
#pragma once

#include <cstdint>

namespace pharos::base {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t WallMicros() const = 0;  // microseconds since 1970-01-01T00:00:00Z
  virtual int64_t WallNanos() const = 0;
  virtual int64_t BootMicros() const = 0;  // CLOCK_BOOTTIME: never steps, counts suspend; for durations only

  static Clock& System();
};

// For tests: stands still until moved. Thread-safe.
class FakeClock;

}  // namespace pharos::base
