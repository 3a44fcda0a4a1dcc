#include "services/dispatch/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace pharos::dispatch {
namespace {

constexpr int64_t kSecond = 1'000'000;

struct Taken {
  int64_t at;
  double n;
};

// The most that any window of takes had above rate·w.
double MostAbove(const std::vector<Taken>& all, double rate) {
  // Largest sum over i..j of n minus rate·(t_j − t_i): one pass, as for the largest sum of a stretch.
  double most = 0, running = 0;
  int64_t last = 0;
  for (const Taken& one : all) {
    running = std::max(0.0, running - rate * static_cast<double>(one.at - last) / 1e6) + one.n;
    last = one.at;
    most = std::max(most, running);
  }
  return most;
}

TEST(Pace, LetsThroughNoMoreThanTheRateInAnyWindow) {
  std::mt19937 random(3);
  for (double rate : {0.2, 1.0, 7.5, 50.0, 1000.0}) {
    Pace pace(rate);
    std::vector<Taken> all;
    int64_t now = 0;
    for (int i = 0; i < 20'000; ++i) {
      now += static_cast<int64_t>(static_cast<double>(random() % 2000) * 1000 / rate);
      if (random() % 100 == 0) now += 60 * kSecond;  // idle
      const double n = std::min(pace.burst(), static_cast<double>(1 + random() % 3));
      if (!pace.MayTake(n, now)) continue;
      pace.Take(n, now);
      all.push_back({now, n});
    }
    EXPECT_GT(all.size(), 1000u);
    EXPECT_LE(MostAbove(all, rate), pace.burst() + 1e-3) << rate;
    EXPECT_LE(pace.burst(), std::max(1.0, rate));
  }
}

TEST(Pace, ReachesTheRateWhenThereIsAlwaysMore) {
  for (double rate : {0.5, 1.0, 3.0, 50.0, 333.3, 5000.0}) {
    for (int64_t look_us : {int64_t{0}, int64_t{250'000}}) {  // when it is free, or only now and then
      if (look_us != 0 && rate < 10) continue;                // slower than the looks: they round up
      Pace pace(rate);
      double taken = 0;
      const int64_t end = 200 * kSecond;
      for (int64_t now = 0; now < end; now = look_us == 0 ? pace.WhenFree(1, now) : now + look_us) {
        while (pace.MayTake(1, now)) pace.Take(1, now), ++taken;
      }
      EXPECT_NEAR(taken / 200, rate, rate * 0.02) << rate << " looked at every " << look_us;
    }
  }
}

TEST(Pace, PaysADebtBeforeTheNextYes) {
  Pace pace(10);
  ASSERT_TRUE(pace.MayTake(1, 0));
  pace.Take(6, 0);  // it had six parts
  EXPECT_FALSE(pace.MayTake(1, 599'000));
  EXPECT_EQ(pace.WhenFree(1, 0), 600'000);
  EXPECT_TRUE(pace.MayTake(1, 600'000));
}

TEST(Pace, KeepsTheAverageWhateverTheMessagesTurnOutToBe) {
  std::mt19937 random(5);
  Pace pace(40);
  double taken = 0;
  for (int64_t now = 0; now < 300 * kSecond; now = pace.WhenFree(1, now)) {
    while (pace.MayTake(1, now)) {
      const double parts = 1 + static_cast<double>(random() % 9);
      pace.Take(parts, now);
      taken += parts;
    }
  }
  EXPECT_NEAR(taken / 300, 40, 0.8);
}

TEST(Pace, SaysWhenItIsFree) {
  std::mt19937 random(9);
  for (int i = 0; i < 2000; ++i) {
    Pace pace(0.01 + static_cast<double>(random() % 100'000) / 37);
    const int64_t now = static_cast<int64_t>(random()) * 1000;
    pace.Take(static_cast<double>(random() % 50), now);
    const Pace untouched = pace;
    const double n = 1 + static_cast<double>(random() % 4);
    const int64_t free = pace.WhenFree(n, now);
    EXPECT_GE(free, now);
    EXPECT_TRUE(pace.MayTake(n, free));
    if (free < now + 10) continue;
    Pace before = untouched;
    EXPECT_FALSE(before.MayTake(n, free - 5));
  }
}

TEST(Pace, SendsNoBurstAfterARestart) {
  Pace pace(100);
  int taken = 0;
  while (pace.MayTake(1, 0)) pace.Take(1, 0), ++taken;
  EXPECT_EQ(taken, 1);
}

TEST(Pace, WithoutALimitIsAlwaysFree) {
  Pace pace(0);
  pace.Take(1e9, 0);
  EXPECT_TRUE(pace.MayTake(1e9, 0));
  EXPECT_EQ(pace.WhenFree(1, 77), 77);
}

TEST(Pace, FollowsANewRate) {
  Pace pace(100);
  pace.MayTake(1, 10 * kSecond);  // saved up 50
  pace.SetRate(2, 10 * kSecond);
  int taken = 0;
  while (pace.MayTake(1, 10 * kSecond)) pace.Take(1, 10 * kSecond), ++taken;
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(pace.WhenFree(1, 10 * kSecond), 10 * kSecond + 500'000);
}

TEST(Pace, IsNotFooledByAClockThatGoesBack) {
  Pace pace(1, 100 * kSecond);
  pace.Take(1, 100 * kSecond);
  EXPECT_FALSE(pace.MayTake(1, 0));
  EXPECT_FALSE(pace.MayTake(1, 100 * kSecond + 500'000));
  EXPECT_TRUE(pace.MayTake(1, 101 * kSecond));
}

TEST(Pace, TakesBackWhatWasNotUsedButNoMoreThanABurst) {
  Pace pace(1, 0);
  pace.Take(1, 0);
  pace.Take(-1, 0);
  EXPECT_TRUE(pace.MayTake(1, 0));
  pace.Take(-1, 0);
  pace.Take(1, 0);
  EXPECT_FALSE(pace.MayTake(1, 0));
}

TEST(Paces, KeepsKeysApart) {
  Paces paces;
  ASSERT_TRUE(paces.MayTake("smpp-main", 10, 1, 0));
  paces.Take("smpp-main", 10, 1, 0);
  EXPECT_FALSE(paces.MayTake("smpp-main", 10, 1, 0));
  EXPECT_TRUE(paces.MayTake("smpp-second", 10, 1, 0));
  EXPECT_EQ(paces.WhenFree("smpp-main", 10, 1, 0), 100'000);
  EXPECT_TRUE(paces.MayTake("smpp-main", 0, 1, 0));  // its limit was taken away
}

TEST(Paces, ForgetsWhatIsIdle) {
  Paces paces(2000);
  for (int i = 0; i < 1'000'000; ++i) {
    const int64_t now = i * int64_t{1000};  // a thousand sites a second, each free again after a tenth of one
    const std::string key = "smtp site-" + std::to_string(i);
    ASSERT_TRUE(paces.MayTake(key, 10, 1, now)) << i;
    paces.Take(key, 10, 1, now);
    ASSERT_LE(paces.size(), 2000u);
  }
}

TEST(Paces, WouldRatherWaitThanForgetALimit) {
  Paces paces(10);
  for (int i = 0; i < 10; ++i) paces.Take(std::to_string(i), 1, 5, 0);  // ten in debt
  EXPECT_FALSE(paces.MayTake("one more", 1, 1, 0));
  EXPECT_EQ(paces.WhenFree("one more", 1, 1, 0), Paces::kCrowdedUs);
  EXPECT_FALSE(paces.MayTake("0", 1, 1, kSecond));
  EXPECT_TRUE(paces.MayTake("one more", 1, 1, 6 * kSecond));  // the debts are paid
}

}  // namespace
}  // namespace pharos::dispatch
