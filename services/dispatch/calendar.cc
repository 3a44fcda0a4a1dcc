#include "services/dispatch/calendar.h"

#include <algorithm>

#include "services/dispatch/bank_holidays.h"

namespace pharos::dispatch {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::last;
using std::chrono::March;
using std::chrono::microseconds;
using std::chrono::October;
using std::chrono::Saturday;
using std::chrono::Sunday;
using std::chrono::sys_days;
using std::chrono::sys_time;
using std::chrono::weekday;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr int64_t kMinute = 60'000'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;
// Beyond the year 9999 there is no calendar to keep.
constexpr int64_t kLast = 253'402'300'799'000'000;

int64_t MicrosOf(sys_days day) {
  return std::chrono::duration_cast<microseconds>(day.time_since_epoch()).count();
}
sys_days DayOf(int64_t us) {
  return floor<days>(sys_time<microseconds>(microseconds(us)));
}

// The clock changes at 01:00 UTC on both days.
int64_t SummerFrom(year of) {
  return MicrosOf(of / March / Sunday[last]) + kHour;
}
int64_t SummerUntil(year of) {
  return MicrosOf(of / October / Sunday[last]) + kHour;
}

int64_t NextClockChange(int64_t utc_us) {
  const year of = year_month_day(DayOf(utc_us)).year();
  if (utc_us < SummerFrom(of)) return SummerFrom(of);
  if (utc_us < SummerUntil(of)) return SummerUntil(of);
  return SummerFrom(of + std::chrono::years(1));
}

bool IsQuiet(const type::v1::SendRules& rules, int minute) {
  const int from = rules.quiet_from_minute(), until = rules.quiet_until_minute();
  if (from <= until) return from <= minute && minute < until;
  return minute >= from || minute < until;
}

// When next the wall clock will show that minute of a day, if it is not changed before.
int64_t NextShown(int minute, int64_t utc_us) {
  const int64_t offset = IsSummerTime(utc_us) ? kHour : 0;
  const int64_t at = MicrosOf(DayOf(utc_us + offset)) + minute * kMinute - offset;
  return at > utc_us ? at : at + kDay;
}

// Nothing that is closed now opens before this: a new day, the end of the quiet hours, or another time on the
// clock.
int64_t NextChance(const type::v1::SendRules& rules, int64_t utc_us) {
  return std::min(
      {NextShown(0, utc_us), NextShown(rules.quiet_until_minute(), utc_us), NextClockChange(utc_us)});
}

}  // namespace

bool IsSummerTime(int64_t utc_us) {
  const year of = year_month_day(DayOf(utc_us)).year();
  return SummerFrom(of) <= utc_us && utc_us < SummerUntil(of);
}

UkTime UkTimeAt(int64_t utc_us) {
  const int64_t local_us = utc_us + (IsSummerTime(utc_us) ? kHour : 0);
  const sys_days day = DayOf(local_us);
  return {day, static_cast<int>((local_us - MicrosOf(day)) / kMinute)};
}

bool IsWorkingDay(std::chrono::sys_days day, type::v1::Nation nation) {
  const weekday of(day);
  return of != Saturday && of != Sunday && !IsBankHoliday(day, nation);
}

bool IsOpen(const type::v1::SendRules& rules, type::v1::Nation nation, int64_t utc_us) {
  const bool has_quiet_hours = rules.quiet_from_minute() != rules.quiet_until_minute();
  if (!has_quiet_hours && !rules.working_days_only()) return true;
  const UkTime time = UkTimeAt(utc_us);
  if (has_quiet_hours && IsQuiet(rules, time.minute)) return false;
  return !rules.working_days_only() || IsWorkingDay(time.day, nation);
}

int64_t NextOpen(const type::v1::SendRules& rules, type::v1::Nation nation, int64_t now_us) {
  if (now_us < 0 || now_us > kLast) return now_us;
  const int64_t end_us = now_us + kMostDays * kDay;
  int64_t at = now_us;
  while (at < end_us && !IsOpen(rules, nation, at)) at = NextChance(rules, at);
  return std::min(at, end_us);
}

}  // namespace pharos::dispatch
