// Days in the United Kingdom. The rule itself, not a time-zone file: summer time runs from 01:00 UTC on the
// last Sunday of March to 01:00 UTC on the last Sunday of October (since 1996; earlier moments are read by
// the same rule). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pharos::audience {

// A date as one number that sorts as dates do: 20261122.
using PackedDate = int32_t;

// The date in London at that moment.
PackedDate LondonDate(int64_t wall_us);
// The moment that date begins in London, microseconds since the epoch. `date` must be a valid date.
int64_t LondonMidnight(PackedDate date);
// Days from 1 January 1970 to a valid date.
int32_t DayNumber(PackedDate date);
// The day after a valid date.
PackedDate DayAfter(PackedDate date);

// "2026-11-22", a date that exists between the years 1000 and 9998; nullopt for anything else.
std::optional<PackedDate> ParseDate(std::string_view text);
// RFC 3339 with a zone: "2026-11-22T18:07:00Z", "…+01:00", with up to six decimals of a second; nullopt for
// anything else.
std::optional<int64_t> ParseTimestamp(std::string_view text);

// Whole years; somebody born on 29 February has their birthday on 1 March in other years. nullopt before
// birth.
std::optional<int> AgeOn(PackedDate today, PackedDate born);

}  // namespace pharos::audience
