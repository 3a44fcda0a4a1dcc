// Bank holidays of the UK's nations, by rule, with a table of days that were proclaimed once. Pure.
//
// Sources: Banking and Financial Dealings Act 1971, schedule 1 (St Andrew's Day: St Andrew's Day Bank Holiday
// (Scotland) Act 2007); days by royal proclamation (New Year's Day and early May in England and Wales, 17
// March and 12 July's substitutes, spring's date); gov.uk/bank-holidays for substitutes and one-off days. The
// rules are right from 2012 on.
#pragma once

#include <chrono>
#include <string_view>

#include "pharos/type/v1/types.pb.h"

namespace pharos::dispatch {

// NATION_UNSPECIFIED: of any nation. Local date. Computed, no table of years: good for any year of the
// Gregorian calendar, except for one-off days that were proclaimed after this was written
// (kOneOffsKnownUntil).
bool IsBankHoliday(std::chrono::sys_days day, type::v1::Nation nation);

// Western Easter Sunday of a year (computus of Meeus, Jones and Butcher).
std::chrono::sys_days EasterSunday(std::chrono::year year);

// Where the table of one-off days ends: the day on which its source was published.
inline constexpr std::string_view kOneOffsKnownUntil = "2026-02-25";

}  // namespace pharos::dispatch
