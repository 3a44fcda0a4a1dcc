// When a campaign may send: quiet hours and working days in UK local time. Pure; needs no time-zone data of
// the host.
//
// Source of the clock's rule: The Summer Time Order 2002 (SI 2002/262): British Summer Time runs from 01:00
// UTC on the last Sunday of March to 01:00 UTC on the last Sunday of October. All four nations keep the same
// time.
#pragma once

#include <chrono>
#include <cstdint>

#include "pharos/type/v1/manifest.pb.h"
#include "pharos/type/v1/types.pb.h"

namespace pharos::dispatch {

// What a clock on a wall in the UK shows at an instant.
struct UkTime {
  std::chrono::sys_days day;  // local date
  int minute = 0;             // of that day, 0–1439
};

bool IsSummerTime(int64_t utc_us);  // microseconds since the epoch
UkTime UkTimeAt(int64_t utc_us);

// Monday to Friday and no bank holiday of the nation (NATION_UNSPECIFIED: of any nation).
bool IsWorkingDay(std::chrono::sys_days day, type::v1::Nation nation);

// Whether the rules let a message leave at this instant: only what the local wall clock shows then counts.
// Where the clock goes back, an hour is shown twice and both are treated alike; where it goes forward, the
// hour that is left out is neither open nor quiet.
bool IsOpen(const type::v1::SendRules& rules, type::v1::Nation nation, int64_t utc_us);

// `now_us` if sending is open at that instant, else the first instant at which it is; microseconds since the
// epoch. Never before `now_us`, and never earlier for a later now. Looks at most kMostDays ahead; rules under
// which nothing opens by then (none of those that the API accepts) give the instant where the look ended: ask
// again then.
int64_t NextOpen(const type::v1::SendRules& rules, type::v1::Nation nation, int64_t now_us);

inline constexpr int kMostDays = 60;  // the UK's longest run of days that are no working days is five

}  // namespace pharos::dispatch
