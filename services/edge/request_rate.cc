#include "services/edge/request_rate.h"

#include <algorithm>

namespace pharos::edge {

bool RequestRate::Admit(const std::string& address, int64_t now_us) {
  if (buckets_.size() >= kMostAddresses && !buckets_.contains(address)) Forget(now_us);
  auto [at, fresh] = buckets_.try_emplace(address);
  Bucket& bucket = at->second;
  bucket.left =
      fresh ? burst_
            : std::min(burst_, bucket.left + static_cast<double>(now_us - bucket.at_us) * per_second_ / 1e6);
  bucket.at_us = now_us;
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}

void RequestRate::Forget(int64_t now_us) {
  std::erase_if(buckets_, [&](const auto& one) {
    const double since = static_cast<double>(now_us - one.second.at_us) / 1e6;
    return one.second.left + since * per_second_ >= burst_;
  });
  if (buckets_.size() >= kMostAddresses) buckets_.clear();
}

}  // namespace pharos::edge
