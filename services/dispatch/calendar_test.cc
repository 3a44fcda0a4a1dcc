#include "services/dispatch/calendar.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

namespace pharos::dispatch {
namespace {

using namespace std::chrono;  // NOLINT: dates
using type::v1::Nation;
using type::v1::SendRules;

constexpr int64_t kMinute = 60'000'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

// "2026-03-29 00:59" UTC.
int64_t Utc(const std::string& text) {
  int y = 0, h = 0, m = 0;
  unsigned mo = 0, d = 0;
  EXPECT_EQ(std::sscanf(text.c_str(), "%d-%u-%u %d:%d", &y, &mo, &d, &h, &m), 5) << text;
  const sys_days date = year(y) / static_cast<int>(mo) / static_cast<int>(d);
  return duration_cast<microseconds>(date.time_since_epoch()).count() + h * kHour + m * kMinute;
}

std::string Text(int64_t us) {
  const sys_days day = floor<days>(sys_time<microseconds>(microseconds(us)));
  const year_month_day date(day);
  const int64_t rest = us - duration_cast<microseconds>(day.time_since_epoch()).count();
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(rest / kHour), static_cast<int>(rest % kHour / kMinute));
  return text;
}

SendRules Quiet(int from_hour, int until_hour, bool working_days_only = false) {
  SendRules rules;
  rules.set_quiet_from_minute(from_hour * 60);
  rules.set_quiet_until_minute(until_hour * 60);
  rules.set_working_days_only(working_days_only);
  return rules;
}
SendRules WorkingDays() {
  return Quiet(0, 0, true);
}

std::string Next(const SendRules& rules, const std::string& now, Nation nation = type::v1::ENGLAND) {
  return Text(NextOpen(rules, nation, Utc(now)));
}

std::string WallAt(const std::string& utc) {
  const UkTime time = UkTimeAt(Utc(utc));
  return Text(duration_cast<microseconds>(time.day.time_since_epoch()).count() + time.minute * kMinute);
}

TEST(Calendar, ShowsWhatTheClockOnTheWallShows) {
  EXPECT_EQ(WallAt("2026-01-15 12:00"), "2026-01-15 12:00");
  EXPECT_EQ(WallAt("2026-07-15 12:00"), "2026-07-15 13:00");
  EXPECT_EQ(WallAt("2026-07-15 23:30"), "2026-07-16 00:30");
  EXPECT_EQ(WallAt("2026-03-29 00:59"), "2026-03-29 00:59");
  EXPECT_EQ(WallAt("2026-03-29 01:00"), "2026-03-29 02:00");
  EXPECT_EQ(WallAt("2026-10-25 00:59"), "2026-10-25 01:59");
  EXPECT_EQ(WallAt("2026-10-25 01:00"), "2026-10-25 01:00");
  EXPECT_EQ(WallAt("2038-01-19 03:14"), "2038-01-19 03:14");
  EXPECT_EQ(WallAt("2040-02-29 23:59"), "2040-02-29 23:59");
  EXPECT_EQ(WallAt("2040-08-29 23:00"), "2040-08-30 00:00");
}

TEST(Calendar, WithoutRulesIsAlwaysOpen) {
  EXPECT_EQ(Next(SendRules(), "2026-12-25 03:00"), "2026-12-25 03:00");
  EXPECT_EQ(Next(Quiet(20, 20), "2026-12-25 20:00"), "2026-12-25 20:00");
}

TEST(Calendar, HoldsOverNightUntilTheMorning) {
  const SendRules night = Quiet(20, 8);
  EXPECT_EQ(Next(night, "2026-01-15 19:59"), "2026-01-15 19:59");
  EXPECT_EQ(Next(night, "2026-01-15 20:00"), "2026-01-16 08:00");
  EXPECT_EQ(Next(night, "2026-01-16 07:59"), "2026-01-16 08:00");
  EXPECT_EQ(Next(night, "2026-01-16 08:00"), "2026-01-16 08:00");
  EXPECT_EQ(Next(night, "2026-07-15 19:00"), "2026-07-16 07:00");  // 20:00 and 08:00 on the wall
  EXPECT_EQ(Next(night, "2026-12-31 22:00"), "2027-01-01 08:00");
}

TEST(Calendar, HoldsWithinADay) {
  EXPECT_EQ(Next(Quiet(12, 14), "2026-01-15 11:59"), "2026-01-15 11:59");
  EXPECT_EQ(Next(Quiet(12, 14), "2026-01-15 12:30"), "2026-01-15 14:00");
}

TEST(Calendar, OpensAtTheMicrosecond) {
  const int64_t open = Utc("2026-01-16 08:00");
  EXPECT_EQ(NextOpen(Quiet(20, 8), type::v1::ENGLAND, open - 1), open);
  EXPECT_EQ(NextOpen(Quiet(20, 8), type::v1::ENGLAND, open + 1), open + 1);
}

TEST(Calendar, HoldsOverTheWeekendAndEaster) {
  const SendRules rules = Quiet(20, 8, true);
  EXPECT_EQ(Next(rules, "2026-01-16 21:00"), "2026-01-19 08:00");
  EXPECT_EQ(Next(rules, "2026-04-02 19:30"), "2026-04-07 07:00");  // Maundy Thursday, after 20:00 BST
  EXPECT_EQ(Next(WorkingDays(), "2026-01-17 12:00"), "2026-01-19 00:00");
  EXPECT_EQ(Next(WorkingDays(), "2026-07-04 12:00"), "2026-07-05 23:00");  // Monday begins at midnight BST
}

TEST(Calendar, HoldsForThePersonsNation) {
  EXPECT_EQ(Next(WorkingDays(), "2026-07-13 12:00", type::v1::ENGLAND), "2026-07-13 12:00");
  EXPECT_EQ(Next(WorkingDays(), "2026-07-13 12:00", type::v1::NORTHERN_IRELAND), "2026-07-13 23:00");
  EXPECT_EQ(Next(WorkingDays(), "2026-07-13 12:00", type::v1::NATION_UNSPECIFIED), "2026-07-13 23:00");
  EXPECT_EQ(Next(WorkingDays(), "2026-04-06 12:00", type::v1::SCOTLAND),
            "2026-04-06 12:00");  // Easter Monday
  EXPECT_EQ(Next(WorkingDays(), "2022-01-01 09:00", type::v1::SCOTLAND), "2022-01-05 00:00");
}

TEST(Calendar, KeepsQuietHoursOverAClockChange) {
  const SendRules night = Quiet(20, 8);
  EXPECT_EQ(Next(night, "2026-03-28 22:00"), "2026-03-29 07:00");  // eleven hours of night
  EXPECT_EQ(Next(night, "2026-10-24 19:30"), "2026-10-25 08:00");  // thirteen
  // The end is in the hour that is left out: open from its end on.
  SendRules early = Quiet(22, 1);
  early.set_quiet_until_minute(90);
  EXPECT_EQ(Next(early, "2026-03-28 23:00"), "2026-03-29 01:00");
  EXPECT_EQ(Next(early, "2026-03-29 23:00"), "2026-03-30 00:30");
  // The end is in the hour that comes twice: open from the first 01:30 to 02:00, quiet from the second 01:00,
  // open again.
  EXPECT_EQ(Next(early, "2026-10-24 22:00"), "2026-10-25 00:30");
  EXPECT_EQ(Next(early, "2026-10-25 00:45"), "2026-10-25 00:45");
  EXPECT_EQ(Next(early, "2026-10-25 01:10"), "2026-10-25 01:30");
}

// Summer time of the years below as the government announced it.
bool IsSummerByTable(int64_t us) {
  return (Utc("2026-03-29 01:00") <= us && us < Utc("2026-10-25 01:00")) ||
         (Utc("2038-03-28 01:00") <= us && us < Utc("2038-10-31 01:00")) ||
         (Utc("2040-03-25 01:00") <= us && us < Utc("2040-10-28 01:00"));
}

TEST(Calendar, IsOpenWhenTheWallSaysSoInEveryHourOfAYear) {
  const SendRules night = Quiet(21, 7), noon = Quiet(11, 15);
  for (const char* from : {"2026-01-01 00:00", "2038-01-01 00:00", "2040-01-01 00:00"}) {
    for (int64_t hour = 0; hour < 366 * 24; ++hour) {
      const int64_t now = Utc(from) + hour * kHour + hour % 60 * kMinute;
      const int64_t wall = (now + (IsSummerByTable(now) ? kHour : 0)) % kDay / kHour;
      ASSERT_EQ(IsOpen(night, type::v1::ENGLAND, now), wall >= 7 && wall < 21) << Text(now);
      ASSERT_EQ(IsOpen(noon, type::v1::ENGLAND, now), wall < 11 || wall >= 15) << Text(now);
      ASSERT_EQ(NextOpen(night, type::v1::ENGLAND, now) == now, wall >= 7 && wall < 21) << Text(now);
    }
  }
}

// What is asked again at the answer is let through, and nothing opens in between: so a held message is looked
// at once.
TEST(Calendar, GivesTheFirstOpenInstantAndNeverGoesBack) {
  std::mt19937 random(7);
  const Nation nations[] = {type::v1::NATION_UNSPECIFIED, type::v1::ENGLAND, type::v1::SCOTLAND,
                            type::v1::NORTHERN_IRELAND};
  for (int round = 0; round < 60; ++round) {
    SendRules rules;
    rules.set_quiet_from_minute(static_cast<int>(random() % 1440));
    rules.set_quiet_until_minute(static_cast<int>(random() % 1440));
    rules.set_working_days_only(random() % 2 == 0);
    const Nation nation = nations[random() % 4];
    const int64_t from = Utc("2019-12-20 00:00") + static_cast<int64_t>(random() % 7000) * kDay;
    int64_t first_open = 0;  // at or after the minute looked at, going backwards
    int64_t later = INT64_MAX;
    for (int64_t now = from + 8 * kDay; now >= from; now -= kMinute) {
      if (IsOpen(rules, nation, now)) first_open = now;
      const int64_t next = NextOpen(rules, nation, now);
      if (first_open != 0) {
        ASSERT_EQ(next, first_open) << Text(now) << "\n" << rules.DebugString();
      }
      ASSERT_LE(next, later);
      ASSERT_TRUE(IsOpen(rules, nation, next)) << Text(now) << "\n" << rules.DebugString();
      later = next;
    }
  }
}

TEST(Calendar, EndsEvenWhereNothingEverOpens) {
  SendRules never;  // the API does not accept it
  never.set_quiet_from_minute(0);
  never.set_quiet_until_minute(1440);
  const int64_t now = Utc("2026-01-15 12:00");
  EXPECT_EQ(NextOpen(never, type::v1::ENGLAND, now), now + kMostDays * kDay);
  EXPECT_EQ(NextOpen(never, type::v1::ENGLAND, INT64_MAX), INT64_MAX);
  EXPECT_EQ(NextOpen(never, type::v1::ENGLAND, -5), -5);
  SendRules hardly = WorkingDays();  // one minute a day, and one that a clock change leaves out
  hardly.set_quiet_from_minute(91);
  hardly.set_quiet_until_minute(90);
  EXPECT_EQ(Next(hardly, "2026-03-27 12:00"), "2026-03-30 00:30");
}

}  // namespace
}  // namespace pharos::dispatch
