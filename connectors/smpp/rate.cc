#include "connectors/smpp/rate.h"

#include <algorithm>
#include <climits>

namespace pharos::smpp {
namespace {

constexpr double kBurstS =
    0.01;  // a hundredth of a second's worth, at least two parts: what falls between two looks counts
constexpr double kLeastRate = 1;     // a provider that takes less than one a second takes none
constexpr double kBelow = 0.995;     // of what the provider took in the second before it refused
constexpr double kRise = 1.0025;     // a second: some seconds from below the limit to it
constexpr double kRiseLater = 1.10;  // a second, once nothing was refused for kForgetUs
// At the limit a refusal comes every few seconds. Without one for longer the rate was cut too deep (a few
// chance refusals, or the first ones before anything was taken): up faster, until the next refusal shows
// where it stands.
constexpr int64_t kCleanUs = 10'000'000;
constexpr double kRiseClean = 1.25;
constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kSlotUs = 50'000;
constexpr int64_t kSettleUs =
    1'000'000;  // refusals of what was under way when the rate was cut say nothing new
constexpr int64_t kFirstPauseUs = 100'000;  // at the first refusal: lets what is under way arrive
constexpr int64_t kForgetUs = 60'000'000;
constexpr double kLetGo = 50'000;  // parts a second: no link is that fast

}  // namespace

double Bucket::Most() const {
  return std::max(2.0, rate_ * kBurstS);
}

// Until so many tokens, which it lacks, are there.
int64_t Bucket::TimeFor(double tokens) const {
  return tokens <= 0 ? 0 : static_cast<int64_t>(tokens / rate_ * kSecondUs) + 1;
}

int64_t Bucket::WaitUs(int parts, int64_t now_us) {
  if (rate_ <= 0) return 0;
  Fill(now_us);
  return TimeFor(parts - tokens_);
}

int64_t Bucket::LeastWaitUs(int parts) const {
  return rate_ <= 0 ? 0 : TimeFor(parts - Most());
}

void Bucket::Fill(int64_t now_us) {
  if (filled_us_ == 0) filled_us_ = now_us;
  tokens_ = std::min(Most(), tokens_ + rate_ * static_cast<double>(now_us - filled_us_) / kSecondUs);
  filled_us_ = now_us;
}

void Bucket::SetRate(double per_second, int64_t now_us) {
  if (rate_ > 0) Fill(now_us);
  rate_ = per_second;
  if (filled_us_ == 0 || now_us > filled_us_) filled_us_ = now_us;
}

int Bucket::Available(int64_t now_us) {
  if (rate_ <= 0) return INT_MAX;
  Fill(now_us);
  return tokens_ < 1 ? 0 : static_cast<int>(tokens_);
}

void Bucket::Take(int parts) {
  if (rate_ > 0) tokens_ -= parts;
}

int64_t Bucket::NextUs(int64_t now_us) {
  if (Available(now_us) > 0) return 0;
  return now_us + static_cast<int64_t>((1 - tokens_) / rate_ * kSecondUs) + 1;
}

void Aimd::Count(int64_t now_us) {
  int64_t slot = now_us / kSlotUs;
  for (int64_t s = std::max(slot_us_ + 1, slot - kSlots + 1); s <= slot; ++s) slots_[s % kSlots] = 0;
  slot_us_ = std::max(slot_us_, slot);
}

void Aimd::Accepted(int64_t now_us, int parts) {
  if (first_us_ == 0) first_us_ = now_us;
  Count(now_us);
  slots_[slot_us_ % kSlots] += parts;
}

double Aimd::TakenLastSecond(int64_t now_us) const {
  double taken = 0;
  for (int count : slots_) taken += count;
  // The newest slot is not over yet.
  int64_t oldest_us = (slot_us_ - kSlots + 1) * kSlotUs;
  int64_t seen_us = std::clamp<int64_t>(now_us - std::max(first_us_, oldest_us), kSecondUs / 2, kSecondUs);
  return taken * kSecondUs / static_cast<double>(seen_us);
}

void Aimd::Throttled(int64_t now_us) {
  if (cut_us_ != 0 && now_us - cut_us_ < kSettleUs) return;
  Count(now_us);
  double taken = TakenLastSecond(now_us) * kBelow;
  double was = bucket_.rate();
  // Less than was allowed, but never a collapse: a second that was not filled says little.
  double rate = was > 0 ? std::clamp(taken, was * 0.5, was * kBelow) : taken;
  bucket_.SetRate(std::max(kLeastRate, rate), now_us);
  cut_us_ = raised_us_ = now_us;
  if (was <= 0) pause_until_us_ = now_us + kFirstPauseUs;
}

void Aimd::Tick(int64_t now_us) {
  if (bucket_.rate() <= 0 || now_us - raised_us_ < kSecondUs) return;
  raised_us_ = now_us;
  Count(now_us);
  bool forgotten = now_us - cut_us_ > kForgetUs;
  // What was not used shows nothing about the limit.
  bool used = TakenLastSecond(now_us) > bucket_.rate() * 0.9;
  if (!used && !forgotten) return;
  bool clean = now_us - cut_us_ > kCleanUs;
  double rate = bucket_.rate() * (forgotten ? kRiseLater
                                  : clean   ? kRiseClean
                                            : kRise) +
                (forgotten || clean ? 1 : 0.02);
  bucket_.SetRate(rate > kLetGo ? 0 : rate, now_us);
}

int Aimd::Available(int64_t now_us) {
  return now_us < pause_until_us_ ? 0 : bucket_.Available(now_us);
}

int64_t Aimd::WaitUs(int parts, int64_t now_us) {
  const int64_t pause_us = std::max<int64_t>(0, pause_until_us_ - now_us);
  return std::max(pause_us, bucket_.WaitUs(parts, now_us));
}

int64_t Aimd::NextUs(int64_t now_us) {
  return std::max(now_us < pause_until_us_ ? pause_until_us_ : 0, bucket_.NextUs(now_us));
}

}  // namespace pharos::smpp
