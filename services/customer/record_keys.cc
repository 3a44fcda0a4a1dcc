#include "services/customer/record_keys.h"

#include <atomic>
#include <utility>

#include "services/base/errors.h"
#include "services/base/mutex.h"

namespace pharos::customer {

class RecordKeys::LateSource : public storage::KeySource {
 public:
  void Bind(std::unique_ptr<storage::KeySource> access) {
    base::MutexLock lock(mutex_);
    access_ = std::move(access);
  }
  absl::StatusOr<std::vector<storage::DataKey>> Create(size_t count) override {
    const auto access = Access();
    return access == nullptr ? Away() : access->Create(count);
  }
  absl::StatusOr<std::vector<storage::DataKey>> Fetch(const std::vector<uint64_t>& ids) override {
    ++fetches;
    const auto access = Access();
    return access == nullptr ? Away() : access->Fetch(ids);
  }
  std::atomic<uint64_t> fetches = 0;

 private:
  static absl::StatusOr<std::vector<storage::DataKey>> Away() {
    return base::MakeError(absl::StatusCode::kUnavailable, "ACCESS_AWAY",
                           "the access service, which keeps the data keys, has not been reached yet; try "
                           "again in a moment, and start it if it does not run");
  }
  std::shared_ptr<storage::KeySource> Access() {
    base::MutexLock lock(mutex_);
    return access_;
  }

  base::Mutex mutex_;
  std::shared_ptr<storage::KeySource> access_ ABSL_GUARDED_BY(mutex_);
};

RecordKeys::RecordKeys(bool seal) : RecordKeys(seal ? std::make_unique<LateSource>() : nullptr) {}

RecordKeys::RecordKeys(std::unique_ptr<LateSource> source)
    : source_(source.get()), ring_(std::move(source)) {}

RecordKeys::~RecordKeys() = default;

void RecordKeys::Bind(std::unique_ptr<storage::KeySource> access) {
  if (source_ != nullptr) source_->Bind(std::move(access));
}

uint64_t RecordKeys::fetches() const {
  return source_ == nullptr ? 0 : source_->fetches.load();
}

absl::Status FreshKeys::Reserve(size_t count) {
  while (ring_.seals() && keys_.size() < count) {
    PHAROS_ASSIGN_OR_RETURN(storage::DataKey key, ring_.Fresh());
    keys_.push_back(std::move(key));
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::DataKey> FreshKeys::Take() {
  if (taken_ < keys_.size()) return keys_[taken_++];
  return ring_.Fresh();
}

void FreshKeys::Commit() {
  keys_.erase(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
}

}  // namespace pharos::customer
