#include "storage/rocksdb/resolver.h"

namespace pharos::storage::rocks {

bool Resolver::Conflicts(uint64_t start, const absl::flat_hash_set<KeyHash>& reads) const {
  if (reads.empty() || start >= newest_) return false;  // nothing was committed since
  if (start < floor_) return true;
  for (const KeyHash hash : reads) {
    const auto found = last_.find(hash);
    if (found != last_.end() && found->second > start) return true;
  }
  return false;
}

void Resolver::Record(uint64_t commit, const std::vector<KeyHash>& writes) {
  newest_ = commit;
  for (const KeyHash hash : writes) {
    last_[hash] = commit;
    order_.emplace_back(commit, hash);
  }
  while (order_.size() > limit_) Forget();
}

void Resolver::Forget() {
  const auto [commit, hash] = order_.front();
  order_.pop_front();
  floor_ = commit;
  const auto found = last_.find(hash);
  if (found != last_.end() && found->second == commit) last_.erase(found);
}

}  // namespace pharos::storage::rocks
