#include "services/dispatch/pace.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace pharos::dispatch {
namespace {

// Sums of fractions are not exact: a millionth of a message is no reason to wait.
constexpr double kSlack = 1e-6;
// A limit of one message a day still frees within this; more would only overflow.
constexpr double kLongestWaitUs = 1e15;

double BurstOf(double per_second) {
  return std::max(1.0, per_second * Pace::kBurstSeconds);
}

}  // namespace

Pace::Pace(double per_second, int64_t boot_us)
    : per_second_(per_second), burst_(BurstOf(per_second)), tokens_(1), last_us_(boot_us) {}

void Pace::Refill(int64_t boot_us) {
  if (boot_us <= last_us_) return;
  const double elapsed_s = static_cast<double>(boot_us - last_us_) / 1e6;
  tokens_ = std::min(burst_, tokens_ + elapsed_s * per_second_);
  last_us_ = boot_us;
}

bool Pace::MayTake(double n, int64_t boot_us) {
  if (per_second_ <= 0) return true;
  Refill(boot_us);
  return tokens_ + kSlack >= std::min(n, burst_);
}

void Pace::Take(double n, int64_t boot_us) {
  if (per_second_ <= 0) return;
  Refill(boot_us);
  tokens_ = n < 0 ? std::min(burst_, tokens_ - n) : tokens_ - n;
}

int64_t Pace::WhenFree(double n, int64_t boot_us) {
  if (MayTake(n, boot_us)) return boot_us;
  const double missing = std::min(n, burst_) - tokens_;
  const double wait_us = std::min(std::ceil(missing / per_second_ * 1e6), kLongestWaitUs);
  return std::max(boot_us, last_us_) + static_cast<int64_t>(wait_us);
}

void Pace::SetRate(double per_second, int64_t boot_us) {
  if (per_second == per_second_) return;
  if (per_second_ > 0) Refill(boot_us);
  last_us_ = std::max(last_us_, boot_us);
  per_second_ = per_second;
  burst_ = BurstOf(per_second);
  tokens_ = std::min(tokens_, burst_);
}

bool Pace::IsFull(int64_t boot_us) {
  if (per_second_ <= 0) return true;
  Refill(boot_us);
  return tokens_ + kSlack >= burst_;
}

bool Paces::MayTake(std::string_view key, double per_second, double n, int64_t boot_us) {
  if (per_second <= 0) return true;
  Pace* pace = FindOrAdd(key, per_second, boot_us);
  return pace != nullptr && pace->MayTake(n, boot_us);
}

void Paces::Take(std::string_view key, double per_second, double n, int64_t boot_us) {
  if (per_second <= 0) return;
  Pace* pace = FindOrAdd(key, per_second, boot_us);
  if (pace != nullptr) pace->Take(n, boot_us);
}

int64_t Paces::WhenFree(std::string_view key, double per_second, double n, int64_t boot_us) {
  if (per_second <= 0) return boot_us;
  Pace* pace = FindOrAdd(key, per_second, boot_us);
  return pace == nullptr ? boot_us + kCrowdedUs : pace->WhenFree(n, boot_us);
}

Pace* Paces::FindOrAdd(std::string_view key, double per_second, int64_t boot_us) {
  const auto known = paces_.find(key);
  if (known != paces_.end()) {
    known->second.SetRate(per_second, boot_us);
    return &known->second;
  }
  if (paces_.size() >= sweep_at_) Sweep(boot_us);
  if (paces_.size() >= most_) return nullptr;
  return &paces_.try_emplace(std::string(key), per_second, boot_us).first->second;
}

// Looks at all, so it is done only when their number has doubled, or, where there is no room to double, now
// and then.
void Paces::Sweep(int64_t boot_us) {
  if (paces_.size() >= most_ && boot_us < next_sweep_us_) return;
  next_sweep_us_ = boot_us + kCrowdedUs;
  for (auto entry = paces_.begin(); entry != paces_.end();) {
    entry = entry->second.IsFull(boot_us) ? paces_.erase(entry) : std::next(entry);
  }
  sweep_at_ = std::min(most_, std::max(kFirstSweep, 2 * paces_.size()));
}

}  // namespace pharos::dispatch
