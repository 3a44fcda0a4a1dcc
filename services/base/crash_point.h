// Named places in the code at which a test may kill or stop the process, to show that nothing is lost and
// nothing is sent twice whatever happens there. Without the environment variables below a place costs one
// load of a flag.
//
//   PHAROS_CRASH_AT=name[:n]   SIGKILL at the n-th time that the place is reached (default 1)
//   PHAROS_STOP_AT=name[:n]    SIGSTOP there: the test lets the process go on with SIGCONT, or the hard stop
//   ends it
#pragma once

#include <string_view>

namespace pharos::base {

namespace internal {
extern const bool kCrashPointsOn;
void ReachCrashPoint(std::string_view name);
}  // namespace internal

inline void CrashPoint(std::string_view name) {
  if (internal::kCrashPointsOn) [[unlikely]]
    internal::ReachCrashPoint(name);
}

}  // namespace pharos::base
