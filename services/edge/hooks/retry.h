// What an answer means, and when a post that failed is made again. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace pharos::edge::hooks {

enum class Verdict {
  kAccepted,  // 2xx
  kGone,      // 410: the receiver wants nothing any more
  kAgain,     // anything else, redirects among them: they are never followed
};
// `status`: of HTTP; 0 = there was no answer.
Verdict VerdictOf(int status);

struct Pace {
  int64_t first_us = 1'000'000;  // after the first failure
  int64_t most_us =
      300'000'000;  // opt-outs wait behind: a receiver that is back is found within five minutes
};
// Doubled with each failure in a row, and of that between half and all (`chance` in [0, 1)), so that
// receivers that fell together are not asked together. `failures` ≥ 1.
int64_t RetryMicros(int failures, double chance, const Pace& pace = {});

inline constexpr int64_t kMostRetryAfterMicros =
    3'600'000'000;  // whoever asks for longer is asked again then
// Of the header Retry-After (RFC 9110, 10.2.3): seconds, or a date as it is written today. 0 = none that can
// be read, or one that has passed.
int64_t RetryAfterMicros(std::string_view value, int64_t now_us);

}  // namespace pharos::edge::hooks
