// A clock that stands still until a test moves it. Thread-safe.
#pragma once

#include <atomic>

#include "services/base/clock.h"

namespace pharos::base {

class FakeClock : public Clock {
 public:
  explicit FakeClock(int64_t wall_micros = 1'790'000'000'000'000) : wall_us_(wall_micros) {}
  int64_t WallMicros() const override { return wall_us_; }
  int64_t WallNanos() const override { return wall_us_ * 1000; }
  int64_t BootMicros() const override { return boot_us_; }
  // Somebody sets the wall clock; the time since the boot goes on as it was.
  void SetWall(int64_t micros) { wall_us_ = micros; }
  void Advance(int64_t micros) {
    wall_us_ += micros;
    boot_us_ += micros;
  }

 private:
  std::atomic<int64_t> wall_us_;
  std::atomic<int64_t> boot_us_ = 1'000'000;
};

}  // namespace pharos::base
