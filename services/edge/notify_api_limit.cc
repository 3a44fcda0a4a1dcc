#include "services/edge/notify_api_limit.h"

namespace pharos::edge {

bool MinuteLimit::Take(const std::string& key, int64_t now_us) {
  base::MutexLock lock(mutex_);
  std::deque<int64_t>& taken = taken_[key];
  while (!taken.empty() && taken.front() <= now_us - kWindowMicros) taken.pop_front();
  if (taken.size() >= most_) return false;
  taken.push_back(now_us);
  return true;
}

}  // namespace pharos::edge
