// At most so many requests in any minute for each key, as GOV.UK Notify counts them. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "services/base/mutex.h"

namespace pharos::edge {

class MinuteLimit {
 public:
  static constexpr size_t kMost = 3'000;  // GOV.UK Notify's for a live key
  static constexpr int64_t kWindowMicros = 60'000'000;
  explicit MinuteLimit(size_t most = kMost) : most_(most) {}

  // One request of a known key now (boot time). False: too many; it does not count.
  bool Take(const std::string& key, int64_t now_us);

 private:
  const size_t most_;
  base::Mutex mutex_;
  std::map<std::string, std::deque<int64_t>> taken_ ABSL_GUARDED_BY(mutex_);  // when, the oldest first
};

}  // namespace pharos::edge
