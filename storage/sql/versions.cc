#include "storage/sql/versions.h"

#include <algorithm>
#include <utility>

#include "services/base/errors.h"
#include "storage/sql/errors.h"

namespace pharos::storage::sql {
namespace {

constexpr size_t kOverhead = 256;  // of an entry: nodes, strings, the vector; measured generously

size_t BytesOf(std::string_view key, const Value& value) {
  return kOverhead + key.size() + (value ? value->size() : 0);
}

template <typename List>
size_t BytesOfAll(std::string_view key, const List& versions) {
  size_t bytes = 0;
  for (const auto& version : versions) bytes += BytesOf(key, version.value);
  return bytes;
}

}  // namespace

void Versions::Pin(uint64_t number) {
  base::MutexLock lock(mutex_);
  pinned_.insert(number);
}

void Versions::Unpin(uint64_t number) {
  base::MutexLock lock(mutex_);
  pinned_.erase(pinned_.find(number));
  Settle();
  Evict();
}

absl::StatusOr<std::optional<Value>> Versions::Find(std::string_view key, uint64_t number) {
  base::MutexLock lock(mutex_);
  PHAROS_RETURN_IF_ERROR(CheckHeld(number));
  const auto found = entries_.find(key);
  if (found == entries_.end()) return filter_.Misses(key) ? std::optional<Value>(Value()) : std::nullopt;
  Entry& entry = found->second;
  if (entry.versions.size() == 1) recent_.splice(recent_.begin(), recent_, entry.place);
  return std::optional<Value>(*At(entry, number));
}

absl::StatusOr<Value> Versions::Learn(std::string_view key, uint64_t number, Value value) {
  base::MutexLock lock(mutex_);
  PHAROS_RETURN_IF_ERROR(CheckHeld(number));
  // Another reader, or a commit, was faster. Else nobody has written it since the oldest state in use: that
  // would stand here.
  if (const auto found = entries_.find(key); found != entries_.end()) return *At(found->second, number);
  Add(key, value);
  Evict();
  return value;
}

absl::Status Versions::Correct(const KeyRange& range, uint64_t number,
                               std::map<std::string, std::string>& rows) {
  base::MutexLock lock(mutex_);
  PHAROS_RETURN_IF_ERROR(CheckHeld(number));
  for (auto at = changed_.lower_bound(range.begin); at != changed_.end(); ++at) {
    if (!range.end.empty() && at->first >= range.end) break;
    if (const Value& value = *At(*at->second, number)) {
      rows.insert_or_assign(std::string(at->first), *value);
    } else {
      rows.erase(std::string(at->first));
    }
  }
  return absl::OkStatus();
}

void Versions::Present(const std::vector<std::string_view>& keys, bool all) {
  base::MutexLock lock(mutex_);
  for (const std::string_view key : keys) filter_.Add(key);
  if (all) filter_.Complete();
}

std::vector<std::string_view> Versions::Unknown(const std::vector<std::string_view>& keys) {
  std::vector<std::string_view> unknown;
  base::MutexLock lock(mutex_);
  for (const std::string_view key : keys) {
    if (!entries_.contains(key) && !filter_.Misses(key)) unknown.push_back(key);
  }
  return unknown;
}

Versions::Verdict Versions::Admit(const Intent& intent, uint64_t number,
                                  const std::unordered_map<std::string, Value>& before) {
  base::MutexLock lock(mutex_);
  if (intent.start < floor_) return Verdict::kConflict;
  for (const std::string& key : intent.reads) {
    if (WrittenSince(key, intent.start)) return Verdict::kConflict;
  }
  for (const auto& [key, value] : intent.writes) {
    if (!entries_.contains(key) && !before.contains(key) && !filter_.Misses(key)) return Verdict::kUnknown;
  }
  for (const auto& [key, value] : intent.writes) {
    auto entry = entries_.find(key);
    if (entry == entries_.end()) {
      const auto old = before.find(key);
      entry = Add(key, old == before.end() ? Value() : old->second);
    }
    Append(entry, number, value);
    filter_.Add(key);
  }
  for (const std::string& guard : intent.touches) Touch(guard, number);
  if (held_ > held_bytes_) {
    floor_ = number - 1;
    Settle();
  }
  Evict();
  return Verdict::kAdmitted;
}

void Versions::Withdraw(uint64_t number) {
  base::MutexLock lock(mutex_);
  while (!order_.empty() && order_.back().number == number) {
    const Written written = std::move(order_.back());
    order_.pop_back();
    if (!written.touch) {
      TakeBack(written.key, number);
    } else if (const auto found = touched_.find(written.key); found != touched_.end()) {
      found->second.last = found->second.before;
      if (pinned_.empty() || found->second.last <= *pinned_.begin()) touched_.erase(found);
    }
  }
  Settle();
  Evict();
}

size_t Versions::bytes() const {
  base::MutexLock lock(mutex_);
  return cached_ + held_;
}

absl::Status Versions::CheckHeld(uint64_t number) const {
  return number < floor_ ? SqlErrors::StateTooOld() : absl::OkStatus();
}

// The newest that is not newer than the state. There is one: older ones go only when no state in use needs
// them.
const Value* Versions::At(const Entry& entry, uint64_t number) {
  const Version* found = &entry.versions.front();
  for (const Version& version : entry.versions) {
    if (version.since <= number) found = &version;
  }
  return &found->value;
}

bool Versions::WrittenSince(const std::string& key, uint64_t start) const {
  const auto entry = entries_.find(key);
  if (entry != entries_.end() && entry->second.versions.back().since > start) return true;
  const auto guard = touched_.find(key);
  return guard != touched_.end() && guard->second.last > start;
}

Versions::Entries::iterator Versions::Add(std::string_view key, Value value) {
  cached_ += BytesOf(key, value);
  const auto entry = entries_.try_emplace(std::string(key)).first;
  entry->second.versions.push_back({0, std::move(value)});
  entry->second.place = recent_.insert(recent_.begin(), &entry->first);
  return entry;
}

void Versions::Append(Entries::iterator at, uint64_t number, const Value& value) {
  const std::string& key = at->first;
  Entry& entry = at->second;
  if (entry.versions.back().since == number) {  // written by an earlier transaction of the same commit
    held_ -= BytesOf(key, entry.versions.back().value);
    held_ += BytesOf(key, value);
    entry.versions.back().value = value;
    return;
  }
  if (entry.versions.size() == 1) {
    cached_ -= BytesOfAll(key, entry.versions);
    held_ += BytesOfAll(key, entry.versions);
    recent_.erase(entry.place);
    changed_.emplace(key, &entry);
  }
  entry.versions.push_back({number, value});
  held_ += BytesOf(key, value);
  order_.push_back({number, key, false});
}

void Versions::Touch(const std::string& guard, uint64_t number) {
  Touched& touched = touched_[guard];
  if (touched.last == number) return;
  touched = {number, touched.last};
  order_.push_back({number, guard, true});
}

// Forgets what no state in use needs any more.
void Versions::Settle() {
  if (pinned_.empty()) return;
  const uint64_t oldest = std::max(*pinned_.begin(), floor_);
  while (!order_.empty() && order_.front().number <= oldest) {
    const Written written = std::move(order_.front());
    order_.pop_front();
    if (written.touch) {
      SettleGuard(written.key, oldest);
    } else {
      SettleKey(written.key, oldest);
    }
  }
}

void Versions::SettleKey(const std::string& key, uint64_t oldest) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.versions.size() == 1) return;
  held_ -= BytesOfAll(key, entry.versions);
  while (entry.versions.size() > 1 && entry.versions[1].since <= oldest)
    entry.versions.erase(entry.versions.begin());
  if (entry.versions.size() > 1) {
    held_ += BytesOfAll(key, entry.versions);
    return;
  }
  changed_.erase(found->first);
  entry.place = recent_.insert(recent_.begin(), &found->first);
  cached_ += BytesOfAll(key, entry.versions);
}

void Versions::SettleGuard(const std::string& guard, uint64_t oldest) {
  const auto found = touched_.find(guard);
  if (found != touched_.end() && found->second.last <= oldest) touched_.erase(found);
}

void Versions::TakeBack(const std::string& key, uint64_t number) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.versions.back().since != number) return;
  Entry& entry = found->second;
  held_ -= BytesOfAll(key, entry.versions);
  entry.versions.pop_back();
  if (entry.versions.size() > 1) {
    held_ += BytesOfAll(key, entry.versions);
    return;
  }
  changed_.erase(found->first);
  entry.place = recent_.insert(recent_.begin(), &found->first);
  cached_ += BytesOfAll(key, entry.versions);
}

void Versions::Evict() {
  while (cached_ > cache_bytes_ && !recent_.empty()) {
    const auto found = entries_.find(*recent_.back());
    cached_ -= BytesOfAll(found->first, found->second.versions);
    recent_.pop_back();
    entries_.erase(found);
  }
}

}  // namespace pharos::storage::sql
