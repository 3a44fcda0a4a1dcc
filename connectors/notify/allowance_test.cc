#include "connectors/notify/allowance.h"

#include <gtest/gtest.h>

#include <deque>

namespace pharos::notify {
namespace {

constexpr int64_t kSecond = 1'000'000;

TEST(Allowance, StaysWithinTheMinuteAndNearIt) {
  Allowance allowance(50, 3'000);
  std::deque<int64_t> taken;
  size_t most = 0, total = 0;
  for (int64_t now = kSecond; now < 301 * kSecond; now += 2'000)
    if (allowance.Take(now)) {
      ++total;
      taken.push_back(now);
      while (taken.front() <= now - 60 * kSecond) taken.pop_front();
      most = std::max(most, taken.size());
    }
  EXPECT_LE(most, 3'000u);
  EXPECT_GE(total, 300 * 50 * 98 / 100) << "within 2 % of the limit";
}

TEST(Allowance, TooFastStopsSlowsAndComesBack) {
  Allowance allowance(50, 3'000);
  double full = allowance.rate();
  EXPECT_TRUE(allowance.Take(kSecond));
  allowance.Slow(kSecond, 2 * kSecond);
  allowance.Slow(kSecond, 2 * kSecond);  // the same burst
  EXPECT_FALSE(allowance.Take(2 * kSecond));
  EXPECT_NEAR(allowance.rate(), 0.8 * full, 0.01);
  EXPECT_TRUE(allowance.Take(4 * kSecond));
  for (int64_t now = 4 * kSecond; now < 60 * kSecond; now += kSecond) allowance.Take(now);
  EXPECT_FALSE(allowance.slowed());
}

TEST(Allowance, DailyLimitsEndAtMidnightUtc) {
  EXPECT_EQ(MicrosToMidnightUtc(0), 86'400 * kSecond);
  EXPECT_EQ(MicrosToMidnightUtc(1'795'391'999 * kSecond), kSecond);  // 23:59:59
}

}  // namespace
}  // namespace pharos::notify
