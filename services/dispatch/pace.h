// Token buckets: how fast a route, a sender, a mail site or a campaign may go. Pure: time is passed in
// (CLOCK_BOOTTIME, microseconds; a time before the last one counts as that). Not thread-safe: the caller's
// lock guards it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pharos::dispatch {

// One limit. Over any window of w seconds at most rate·w + burst is taken, if every Take(n) follows a
// MayTake(n) that said yes. A Take of more than was asked for (a message whose parts are known only when it
// is rendered) makes a debt, which is paid before the next yes: that one excess comes on top, the average
// stays the rate. Likewise an n above the burst, for which a full bucket is enough.
class Pace {
 public:
  // Parts or messages a second; 0 or less = no limit. A new bucket holds one token, not a whole burst: a
  // restart does not make a provider see a burst on top of what it has just had.
  explicit Pace(double per_second, int64_t boot_us = 0);

  bool MayTake(double n, int64_t boot_us);
  // n below 0 gives back what was taken and not used; never more than a burst comes together.
  void Take(double n, int64_t boot_us);
  // The earliest time at which MayTake(n) says yes, if nothing is taken until then; not before `boot_us`.
  int64_t WhenFree(double n, int64_t boot_us);
  // The limit has changed (the provider says so). Debt stays, saved-up tokens beyond the new burst go.
  void SetRate(double per_second, int64_t boot_us);

  bool IsFull(int64_t boot_us);  // as good as a bucket that was never used
  double per_second() const { return per_second_; }
  double burst() const { return burst_; }

  // Saved up while idle, in seconds of the rate: two waits of a connector between pulls (250 ms), so that no
  // rate is lost between them. At least one token, at most what a second lets through (or one).
  static constexpr double kBurstSeconds = 0.5;

 private:
  void Refill(int64_t boot_us);

  double per_second_;
  double burst_;
  double tokens_;  // below 0: debt
  int64_t last_us_;
};

// Many limits by key ("route", "route sender", "route mail-site", "campaign": the caller makes keys that
// cannot collide). Buckets that are full again are forgotten, so that only what is busy takes memory.
class Paces {
 public:
  // At most so many busy buckets; a key beyond that has to wait until another one is full again (kCrowdedUs),
  // for a limit that is forgotten is a limit that is broken. 65,536 busy mail sites take about 8 MB.
  static constexpr size_t kMostPaces = 65'536;
  static constexpr int64_t kCrowdedUs = 100'000;

  explicit Paces(size_t most = kMostPaces)
      : most_(most), sweep_at_(most < kFirstSweep ? most : kFirstSweep) {}

  // As in Pace. `per_second` is the limit of this key as it is now (0 or less = none: always yes, nothing is
  // kept).
  bool MayTake(std::string_view key, double per_second, double n, int64_t boot_us);
  void Take(std::string_view key, double per_second, double n, int64_t boot_us);
  int64_t WhenFree(std::string_view key, double per_second, double n, int64_t boot_us);

  size_t size() const { return paces_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };

  // Fewer are not worth a look.
  static constexpr size_t kFirstSweep = 1024;

  // nullptr: crowded.
  Pace* FindOrAdd(std::string_view key, double per_second, int64_t boot_us);
  void Sweep(int64_t boot_us);

  const size_t most_;
  size_t sweep_at_;
  std::unordered_map<std::string, Pace, Hash, std::equal_to<>> paces_;
  int64_t next_sweep_us_ = 0;  // while crowded
};

}  // namespace pharos::dispatch
