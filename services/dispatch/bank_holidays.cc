#include "services/dispatch/bank_holidays.h"

#include <algorithm>
#include <array>

namespace pharos::dispatch {
namespace {

using std::chrono::April;
using std::chrono::August;
using std::chrono::days;
using std::chrono::December;
using std::chrono::Friday;
using std::chrono::January;
using std::chrono::July;
using std::chrono::June;
using std::chrono::last;
using std::chrono::March;
using std::chrono::May;
using std::chrono::Monday;
using std::chrono::month_day;
using std::chrono::November;
using std::chrono::Saturday;
using std::chrono::September;
using std::chrono::Sunday;
using std::chrono::sys_days;
using std::chrono::weekday;
using std::chrono::year;
using std::chrono::year_month_day;

// Moved once, in all nations.
struct Move {
  year_month_day from, to;
};
constexpr std::array kMoved = {
    Move{year(2012) / May / 28, year(2012) / June / 4},  // spring, to the Diamond Jubilee
    Move{year(2020) / May / 4, year(2020) / May / 8},    // early May, to 75 years of VE Day
    Move{year(2022) / May / 30, year(2022) / June / 2},  // spring, to the Platinum Jubilee
};

// Given once, in all nations.
constexpr std::array kExtra = {
    year_month_day(year(2012) / June / 5),        // Diamond Jubilee
    year_month_day(year(2022) / June / 3),        // Platinum Jubilee
    year_month_day(year(2022) / September / 19),  // state funeral of Queen Elizabeth II
    year_month_day(year(2023) / May / 8),         // coronation of King Charles III
};

bool IsWeekend(sys_days day) {
  const weekday of(day);
  return of == Saturday || of == Sunday;
}

// A date, or the Monday after it where it falls on a weekend.
bool IsObserved(sys_days day, year of, month_day date) {
  sys_days at = of / date.month() / date.day();
  while (IsWeekend(at)) at += days(1);
  return day == at;
}

// Two dates that follow each other (Christmas and Boxing Day; Scotland's New Year): each that falls on a
// weekend is moved to the next weekday that is not the other's.
bool IsPair(sys_days day, sys_days first) {
  const weekday of(first);
  if (of == Saturday) return day == first + days(2) || day == first + days(3);
  if (of == Sunday) return day == first + days(1) || day == first + days(2);
  if (of == Friday) return day == first || day == first + days(3);
  return day == first || day == first + days(1);
}

// In all four nations, by rule.
bool IsCommon(sys_days day, year of) {
  return day == EasterSunday(of) - days(2) || day == sys_days(of / May / Monday[1]) ||
         day == sys_days(of / May / Monday[last]) || IsPair(day, of / December / 25);
}

bool IsInEnglandAndWales(sys_days day, year of) {
  return IsObserved(day, of, January / 1) || day == EasterSunday(of) + days(1) ||
         day == sys_days(of / August / Monday[last]);
}

bool IsInScotland(sys_days day, year of) {
  return IsPair(day, of / January / 1) || day == sys_days(of / August / Monday[1]) ||
         IsObserved(day, of, November / 30);
}

bool IsInNorthernIreland(sys_days day, year of) {
  return IsInEnglandAndWales(day, of) || IsObserved(day, of, March / 17) || IsObserved(day, of, July / 12);
}

bool IsByRule(sys_days day, year of, type::v1::Nation nation) {
  if (IsCommon(day, of)) return true;
  switch (nation) {
    case type::v1::ENGLAND:
    case type::v1::WALES:
      return IsInEnglandAndWales(day, of);
    case type::v1::SCOTLAND:
      return IsInScotland(day, of);
    case type::v1::NORTHERN_IRELAND:
      return IsInNorthernIreland(day, of);
    default:
      return IsInNorthernIreland(day, of) ||
             IsInScotland(day, of);  // the former has all of England and Wales
  }
}

}  // namespace

std::chrono::sys_days EasterSunday(std::chrono::year of) {
  const int y = static_cast<int>(of);
  const int a = y % 19, b = y / 100, c = y % 100;
  const int h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
  const int l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
  const int m = (a + 11 * h + 22 * l) / 451;
  const int n = h + l - 7 * m + 114;
  return of / (n / 31) / (n % 31 + 1);
}

bool IsBankHoliday(std::chrono::sys_days day, type::v1::Nation nation) {
  if (IsWeekend(day)) return false;
  const year_month_day date(day);
  const auto is_date = [&](const year_month_day& other) { return other == date; };
  if (std::any_of(kExtra.begin(), kExtra.end(), is_date)) return true;
  for (const Move& move : kMoved) {
    if (is_date(move.to)) return true;
    if (is_date(move.from)) return false;
  }
  return IsByRule(day, date.year(), nation);
}

}  // namespace pharos::dispatch
