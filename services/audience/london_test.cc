// Days in London: across both clock changes, and dates as people write them.
#include "services/audience/london.h"

#include <gtest/gtest.h>

namespace pharos::audience {
namespace {

TEST(London, SummerTimeMovesMidnight) {
  EXPECT_EQ(LondonMidnight(20261122), *ParseTimestamp("2026-11-22T00:00:00Z"));
  EXPECT_EQ(LondonMidnight(20260701), *ParseTimestamp("2026-06-30T23:00:00Z"));
  EXPECT_EQ(LondonMidnight(20260329),
            *ParseTimestamp("2026-03-29T00:00:00Z"));  // the clocks change an hour later
  EXPECT_EQ(LondonMidnight(20260330), *ParseTimestamp("2026-03-29T23:00:00Z"));
  EXPECT_EQ(LondonMidnight(20261025), *ParseTimestamp("2026-10-24T23:00:00Z"));
  EXPECT_EQ(LondonMidnight(20261026), *ParseTimestamp("2026-10-26T00:00:00Z"));
}

TEST(London, DateOfAMomentAgreesWithMidnight) {
  for (PackedDate date = 20260101; date != 20270101; date = DayAfter(date)) {
    EXPECT_EQ(LondonDate(LondonMidnight(date)), date);
    EXPECT_EQ(LondonDate(LondonMidnight(DayAfter(date)) - 1), date);
  }
}

TEST(London, Dates) {
  EXPECT_EQ(ParseDate("2024-02-29"), 20240229);
  for (const char* wrong :
       {"", "2025-02-29", "2025-13-01", "2025-1-1", "25-01-01", "2025-01-01 ", "2025-00-10", "20250101"}) {
    EXPECT_FALSE(ParseDate(wrong)) << wrong;
  }
}

TEST(London, Timestamps) {
  EXPECT_EQ(*ParseTimestamp("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(*ParseTimestamp("1970-01-01T01:00:00.5+01:00"), 500'000);
  for (const char* wrong : {"1970-01-01", "1970-01-01T00:00:00", "1970-01-01T24:00:00Z",
                            "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00ZZ", "1970-01-01T00:00:00+1"}) {
    EXPECT_FALSE(ParseTimestamp(wrong)) << wrong;
  }
}

TEST(London, Ages) {
  EXPECT_EQ(AgeOn(20261122, 19801122), 46);
  EXPECT_EQ(AgeOn(20261121, 19801122), 45);
  EXPECT_EQ(AgeOn(20250228, 20040229), 20);
  EXPECT_EQ(AgeOn(20250301, 20040229), 21);
  EXPECT_FALSE(AgeOn(20261122, 20261123));
}

}  // namespace
}  // namespace pharos::audience
