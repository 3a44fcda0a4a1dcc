#include "connectors/smpp/rate.h"

#include <gtest/gtest.h>

#include <deque>

namespace pharos::smpp {
namespace {

constexpr int64_t kMs = 1'000;

TEST(Bucket, KeepsToItsRateWithoutBursts) {
  Bucket bucket(100);
  int sent = 0;
  for (int64_t now = kMs; now <= 10'000 * kMs; now += kMs)
    for (; bucket.Available(now) > 0; ++sent) bucket.Take(1);
  EXPECT_NEAR(sent, 1000, 3);
  bucket.Take(5);
  EXPECT_GT(bucket.NextUs(10'000 * kMs), 10'000 * kMs + 40 * kMs);
  Bucket limitless(0);
  EXPECT_GT(limitless.Available(1), 1'000'000);
}

// A provider that takes `limit` a second, counted in windows of a second, and refuses what exceeds it.
struct Provider {
  int limit, in_window = 0;
  int64_t window = 0;
  bool Takes(int64_t now) {
    if (now / 1'000'000 != window) window = now / 1'000'000, in_window = 0;
    return ++in_window <= limit;
  }
};

TEST(Aimd, SettlesWithinTwoPercentOfTheProvidersLimit) {
  for (int limit : {50, 200, 1000}) {
    Provider provider{limit};
    Aimd rate;
    int accepted = 0, refused = 0;
    std::deque<std::pair<int64_t, bool>> answers;
    for (int64_t now = 1'000'000; now < 91'000'000; now += kMs) {
      for (; !answers.empty() && answers.front().first <= now; answers.pop_front()) {
        const bool yes = answers.front().second;
        yes ? rate.Accepted(now) : rate.Throttled(now);
        if (now > 31'000'000) ++(yes ? accepted : refused);
      }
      for (int i = 0; i < 20 && rate.Available(now) > 0; ++i) {
        rate.Sent(1);
        answers.emplace_back(now + 5 * kMs, provider.Takes(now));
      }
      rate.Tick(now);
    }
    EXPECT_GT(accepted, limit * 60 * 0.98) << limit;
    EXPECT_LT(refused, limit * 60 * 0.02) << limit;
    EXPECT_NEAR(rate.limit(), limit, std::max(2.0, limit * 0.02));
  }
}

TEST(Aimd, WhatIsNotUsedDoesNotRaiseTheRate) {
  Aimd rate;
  for (int64_t now = 1'000'000; now < 2'000'000; now += 10 * kMs) rate.Accepted(now);
  rate.Throttled(2'000'000);
  const double cut = rate.limit();
  EXPECT_NEAR(cut, 99, 3);
  for (int64_t now = 3'100'000; now < 30'000'000; now += 1'000'000) rate.Tick(now);
  EXPECT_EQ(rate.limit(), cut);
}

TEST(Aimd, AfterAQuietMinuteTheLimitIsLetGo) {
  Aimd rate;
  rate.Accepted(1'000'000);
  rate.Throttled(2'000'000);
  for (int64_t now = 3'000'000; now < 400'000'000; now += 1'000'000) rate.Tick(now);
  EXPECT_EQ(rate.limit(), 0);
}

TEST(Bucket, SaysHowLongSoManyPartsTake) {
  Bucket bucket(2);  // holds two, begins with one
  int64_t now = 10'000'000;
  EXPECT_EQ(bucket.WaitUs(1, now), 0);
  EXPECT_NEAR(static_cast<double>(bucket.WaitUs(3, now)), 1'000'000, 10);
  EXPECT_NEAR(static_cast<double>(bucket.LeastWaitUs(3)), 500'000, 10);
  bucket.Take(1);
  EXPECT_NEAR(static_cast<double>(bucket.WaitUs(3, now)), 1'500'000, 10);
  EXPECT_EQ(Bucket(0).WaitUs(1000, now), 0) << "no limit";
}

}  // namespace
}  // namespace pharos::smpp
