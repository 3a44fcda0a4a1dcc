#include "connectors/notify/allowance.h"

#include <algorithm>

namespace pharos::notify {
namespace {

constexpr double kBurst = 5;  // requests at once after a pause; more makes the minute's limit reachable
constexpr double kSlowFactor = 0.8;          // of the rate, each time the provider says "too fast"
constexpr double kLeastShare = 0.02;         // of the full rate: so slow it may get
constexpr double kRegainPerSecond = 0.02;    // of the full rate: a minute to come back
constexpr int64_t kSlowAgainUs = 1'000'000;  // answers of one burst slow down once
constexpr int64_t kDayUs = 86'400'000'000;

}  // namespace

Allowance::Allowance(double per_second, double per_minute)
    : burst_(std::max(1.0, std::min(kBurst, per_second / 10))),
      most_(std::max(0.001, std::min(per_second, (per_minute - burst_) / 60))),
      rate_(most_),
      tokens_(burst_) {}

void Allowance::Refill(int64_t now_us) {
  if (refilled_us_ == 0) refilled_us_ = now_us;
  double seconds = static_cast<double>(std::max<int64_t>(0, now_us - refilled_us_)) / 1e6;
  refilled_us_ = now_us;
  tokens_ = std::min(burst_, tokens_ + seconds * rate_);
  if (now_us >= held_until_us_) rate_ = std::min(most_, rate_ + seconds * kRegainPerSecond * most_);
}

bool Allowance::Has(int64_t now_us) {
  Refill(now_us);
  return now_us >= held_until_us_ && tokens_ >= 1;
}

bool Allowance::Take(int64_t now_us) {
  if (!Has(now_us)) return false;
  tokens_ -= 1;
  return true;
}

void Allowance::Slow(int64_t now_us, int64_t wait_us) {
  Refill(now_us);
  tokens_ = 0;
  held_until_us_ = std::max(held_until_us_, now_us + wait_us);
  if (slowed_us_ != 0 && now_us - slowed_us_ < kSlowAgainUs) return;
  slowed_us_ = now_us;
  rate_ = std::max(kLeastShare * most_, rate_ * kSlowFactor);
}

int64_t MicrosToMidnightUtc(int64_t wall_us) {
  return kDayUs - (wall_us % kDayUs + kDayUs) % kDayUs;
}

}  // namespace pharos::notify
