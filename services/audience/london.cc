#include "services/audience/london.h"

#include <chrono>

namespace pharos::audience {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;
using Moment = std::chrono::sys_time<microseconds>;

Moment LastSunday(std::chrono::year year, std::chrono::month month) {
  return sys_days(year / month / std::chrono::Sunday[std::chrono::last]) + hours(1);
}

microseconds OffsetAt(Moment moment) {
  const std::chrono::year year = year_month_day(std::chrono::floor<days>(moment)).year();
  const bool summer =
      moment >= LastSunday(year, std::chrono::March) && moment < LastSunday(year, std::chrono::October);
  return summer ? microseconds(hours(1)) : microseconds(0);
}

PackedDate Pack(year_month_day date) {
  return static_cast<int>(date.year()) * 10000 + static_cast<int>(static_cast<unsigned>(date.month())) * 100 +
         static_cast<int>(static_cast<unsigned>(date.day()));
}

year_month_day Unpack(PackedDate date) {
  return std::chrono::year(date / 10000) / std::chrono::month(date / 100 % 100) /
         std::chrono::day(date % 100);
}

// Reads `digits` digits at the start of `text` and drops them; -1 if they are not there.
int TakeNumber(std::string_view& text, size_t digits) {
  if (text.size() < digits) return -1;
  int number = 0;
  for (char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool TakeSign(std::string_view& text, char sign) {
  if (text.empty() || text[0] != sign) return false;
  text.remove_prefix(1);
  return true;
}

// ":MM" after an hour that was read; -1 if the hour or minute is none.
int TakeMinutes(std::string_view& text, int hour) {
  if (hour < 0 || hour > 23 || !TakeSign(text, ':')) return -1;
  const int minute = TakeNumber(text, 2);
  return minute < 0 || minute > 59 ? -1 : hour * 60 + minute;
}

std::optional<int64_t> TakeFraction(std::string_view& text) {
  if (!TakeSign(text, '.')) return 0;
  int64_t micros = 0;
  int digits = 0;
  for (; digits < 6 && !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits) {
    micros = micros * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 6; ++digits) micros *= 10;
  return micros;
}

std::optional<int> ReadZone(std::string_view text) {
  if (text == "Z") return 0;
  const int sign = TakeSign(text, '+') ? 1 : TakeSign(text, '-') ? -1 : 0;
  const int minutes = TakeMinutes(text, TakeNumber(text, 2));
  if (sign == 0 || minutes < 0 || !text.empty()) return std::nullopt;
  return sign * minutes;
}

}  // namespace

PackedDate LondonDate(int64_t wall_us) {
  const Moment moment{microseconds(wall_us)};
  return Pack(year_month_day(std::chrono::floor<days>(moment + OffsetAt(moment))));
}

int64_t LondonMidnight(PackedDate date) {
  const Moment utc = sys_days(Unpack(date));
  // Clocks change at 01:00 UTC, never at midnight: the offset just before is the offset at midnight.
  return (utc - OffsetAt(utc - hours(1))).time_since_epoch().count();
}

int32_t DayNumber(PackedDate date) {
  return sys_days(Unpack(date)).time_since_epoch().count();
}

PackedDate DayAfter(PackedDate date) {
  return Pack(year_month_day(sys_days(Unpack(date)) + days(1)));
}

std::optional<PackedDate> ParseDate(std::string_view text) {
  const int year = TakeNumber(text, 4);
  if (year < 1000 || year > 9998 || !TakeSign(text, '-')) return std::nullopt;
  const int month = TakeNumber(text, 2);
  if (month < 1 || !TakeSign(text, '-')) return std::nullopt;
  const int day = TakeNumber(text, 2);
  if (day < 1 || !text.empty()) return std::nullopt;
  const PackedDate date = year * 10000 + month * 100 + day;
  if (!Unpack(date).ok()) return std::nullopt;
  return date;
}

std::optional<int64_t> ParseTimestamp(std::string_view text) {
  if (text.size() < 20 || text[10] != 'T') return std::nullopt;
  const auto date = ParseDate(text.substr(0, 10));
  text.remove_prefix(11);
  const int minutes = TakeMinutes(text, TakeNumber(text, 2));
  if (!date || minutes < 0 || !TakeSign(text, ':')) return std::nullopt;
  const int second = TakeNumber(text, 2);
  if (second < 0 || second > 59) return std::nullopt;
  const auto fraction = TakeFraction(text);
  if (!fraction) return std::nullopt;
  const auto zone = ReadZone(text);
  if (!zone) return std::nullopt;
  const int64_t day_us = Moment(sys_days(Unpack(*date))).time_since_epoch().count();
  return day_us + ((minutes - *zone) * int64_t{60} + second) * 1'000'000 + *fraction;
}

std::optional<int> AgeOn(PackedDate today, PackedDate born) {
  if (born > today) return std::nullopt;
  return (today - born) / 10000;
}

}  // namespace pharos::audience
