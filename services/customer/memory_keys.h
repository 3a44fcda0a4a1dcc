// Data keys in memory as access keeps them, for tests: they can be destroyed, and access can be away.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"
#include "storage/seal.h"

namespace pharos::customer {

class MemoryKeys {
 public:
  std::unique_ptr<storage::KeySource> Source() { return std::make_unique<Client>(*this); }
  void Destroy(uint64_t id) {
    base::MutexLock lock(mutex_);
    keys_[id].clear();
  }
  void SetAway(bool away) {
    base::MutexLock lock(mutex_);
    away_ = away;
  }
  int fetches() {
    base::MutexLock lock(mutex_);
    return fetches_;
  }

 private:
  class Client : public storage::KeySource {
   public:
    explicit Client(MemoryKeys& keys) : keys_(keys) {}
    absl::StatusOr<std::vector<storage::DataKey>> Create(size_t count) override {
      return keys_.Create(count);
    }
    absl::StatusOr<std::vector<storage::DataKey>> Fetch(const std::vector<uint64_t>& ids) override {
      return keys_.Fetch(ids);
    }

   private:
    MemoryKeys& keys_;
  };

  static absl::Status Away() {
    return base::MakeError(absl::StatusCode::kUnavailable, "ACCESS_AWAY", "access is away");
  }
  absl::StatusOr<std::vector<storage::DataKey>> Create(size_t count) {
    base::MutexLock lock(mutex_);
    if (away_) return Away();
    std::vector<storage::DataKey> made;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t id = keys_.size() + 1;
      keys_[id] = base::RandomBytes16() + base::RandomBytes16();
      made.push_back({id, keys_[id]});
    }
    return made;
  }
  absl::StatusOr<std::vector<storage::DataKey>> Fetch(const std::vector<uint64_t>& ids) {
    base::MutexLock lock(mutex_);
    ++fetches_;
    if (away_) return Away();
    std::vector<storage::DataKey> found;
    for (const uint64_t id : ids) found.push_back({id, keys_[id]});
    return found;
  }

  base::Mutex mutex_;
  std::map<uint64_t, std::string> keys_ ABSL_GUARDED_BY(mutex_);
  bool away_ ABSL_GUARDED_BY(mutex_) = false;
  int fetches_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace pharos::customer
