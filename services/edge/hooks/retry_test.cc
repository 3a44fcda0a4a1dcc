#include "services/edge/hooks/retry.h"

#include <gtest/gtest.h>

namespace pharos::edge::hooks {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kNow = 784'111'777 * kSecond;  // Sun, 06 Nov 1994 08:49:37 GMT, as in RFC 9110

TEST(Retry, OnlyTwoHundredsAreAccepted) {
  for (int status : {200, 201, 202, 204, 299}) EXPECT_EQ(VerdictOf(status), Verdict::kAccepted) << status;
  EXPECT_EQ(VerdictOf(410), Verdict::kGone);
  for (int status :
       {0, 100, 199, 300, 301, 302, 307, 308, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504, 600})
    EXPECT_EQ(VerdictOf(status), Verdict::kAgain) << status;
}

TEST(Retry, DoublesUpToItsMostWithAPartLeftToChance) {
  EXPECT_EQ(RetryMicros(1, 0), kSecond / 2);
  EXPECT_EQ(RetryMicros(2, 0), kSecond);
  EXPECT_EQ(RetryMicros(3, 0.5), 3 * kSecond);
  int64_t last = 0;
  for (int failures = 1; failures < 200; ++failures) {
    const int64_t least = RetryMicros(failures, 0), most = RetryMicros(failures, 0.999'999);
    EXPECT_GE(least, last);
    EXPECT_LT(most, 2 * least + 2);
    EXPECT_LE(most, Pace().most_us);
    last = least;
  }
  EXPECT_EQ(last, Pace().most_us / 2);
}

TEST(Retry, HonoursRetryAfterInSecondsAndAsADate) {
  EXPECT_EQ(RetryAfterMicros("120", kNow), 120 * kSecond);
  EXPECT_EQ(RetryAfterMicros(" 7 ", kNow), 7 * kSecond);
  EXPECT_EQ(RetryAfterMicros("0", kNow), 0);
  EXPECT_EQ(RetryAfterMicros("Sun, 06 Nov 1994 08:50:07 GMT", kNow), 30 * kSecond);
  EXPECT_EQ(RetryAfterMicros("Sun, 06 Nov 1994 08:49:00 GMT", kNow), 0) << "it has passed";
}

TEST(Retry, AReceiverCannotMakeUsWaitForEver) {
  for (const char* value : {"3601", "999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"})
    EXPECT_EQ(RetryAfterMicros(value, kNow), kMostRetryAfterMicros) << value;
}

TEST(Retry, WhatCannotBeReadIsNoAdvice) {
  for (const char* value :
       {"", "soon", "-5", "1.5", "+3", "Sun, 06 Nov 1994 08:50:07", "Sun, 06 Nov 1994 08:50:07 GMT;"})
    EXPECT_EQ(RetryAfterMicros(value, kNow), 0) << value;
}

}  // namespace
}  // namespace pharos::edge::hooks
