// How fast the provider may be asked: its limit is 3,000 requests a minute for each type of key, which it
// fills up at 50 a second. https://docs.notifications.service.gov.uk/rest-api.html#limits
#pragma once

#include <cstdint>

namespace pharos::notify {

// A token bucket that stays within a limit a second and one a minute, over any minute. When the provider
// nevertheless says "too fast" (somebody else uses the same key), it slows down, and speeds up again by and
// by. Times are CLOCK_BOOTTIME. Of one thread.
class Allowance {
 public:
  Allowance(double per_second, double per_minute);

  // A request may begin now.
  bool Has(int64_t now_us);
  // Likewise, and it is counted.
  bool Take(int64_t now_us);
  // The provider said "too fast": nothing for `wait_us`, then slower.
  void Slow(int64_t now_us, int64_t wait_us);
  // Requests a second now.
  double rate() const { return rate_; }
  bool slowed() const { return rate_ < most_; }
  int64_t held_until_us() const { return held_until_us_; }

 private:
  void Refill(int64_t now_us);

  double burst_, most_, rate_;
  double tokens_;
  int64_t refilled_us_ = 0, held_until_us_ = 0, slowed_us_ = 0;
};

// From `wall_us` (since the epoch) to the next midnight UTC, when daily limits begin anew. 1 … 24 h.
int64_t MicrosToMidnightUtc(int64_t wall_us);

}  // namespace pharos::notify
