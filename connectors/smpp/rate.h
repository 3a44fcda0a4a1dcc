// How many parts a second may leave: our own limit, and the one that a provider shows by refusing. Pure:
// `now_us` is CLOCK_BOOTTIME.
#pragma once

#include <cstdint>

namespace pharos::smpp {

// A token bucket that holds at most what kBurstUs gives: providers count in windows of a second, so a burst
// at the window's edge would count twice.
class Bucket {
 public:
  explicit Bucket(double per_second) : rate_(per_second) {}  // 0 = no limit
  double rate() const { return rate_; }
  void SetRate(double per_second, int64_t now_us);
  // How many may leave now; a limitless bucket says INT_MAX.
  int Available(int64_t now_us);
  void Take(int parts);
  // When the next may leave; 0 = now.
  int64_t NextUs(int64_t now_us);
  // How long until the last of so many has left, if nobody else takes any; 0 = at once. From a full bucket:
  // the least that it can ever be.
  int64_t WaitUs(int parts, int64_t now_us);
  int64_t LeastWaitUs(int parts) const;

 private:
  double Most() const;
  int64_t TimeFor(double tokens) const;
  void Fill(int64_t now_us);
  double rate_, tokens_ = 1;
  int64_t filled_us_ = 0;
};

// Finds the provider's limit: a refusal sets the rate just below what the provider took in the last second,
// then the rate creeps up, so that it swings within 2 % of the limit; a limit that was not met for kForgetUs
// is let go.
class Aimd {
 public:
  Aimd() : bucket_(0) {}
  void Sent(int parts) { bucket_.Take(parts); }
  void Accepted(int64_t now_us, int parts = 1);
  void Throttled(int64_t now_us);
  // Creeps up; call now and then.
  void Tick(int64_t now_us);
  int Available(int64_t now_us);
  int64_t NextUs(int64_t now_us);
  int64_t WaitUs(int parts, int64_t now_us);
  // Parts a second that the provider lets through; 0 = it has not said.
  double limit() const { return bucket_.rate(); }

 private:
  static constexpr int kSlots = 20;  // of the last second
  double TakenLastSecond(int64_t now_us) const;
  void Count(int64_t now_us);

  Bucket bucket_;
  int64_t slot_us_ = 0;
  int slots_[kSlots] = {};
  int64_t first_us_ = 0, cut_us_ = 0, raised_us_ = 0, pause_until_us_ = 0;
};

}  // namespace pharos::smpp
