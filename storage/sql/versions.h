// What this process knows of the records: a cache of values, and of those that changed lately also what they
// were before, for the states that are still being read. As one process at a time owns a store and all its
// commits pass through here, this is enough to read any state that is in use out of a database that only
// shows the newest one:
//   - before a commit is sent to the database, the old and the new value of each key it writes stand here;
//   - so a value read from the database is right for a state, unless this says otherwise after the read.
// States are numbered by the commit that made them.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/mutex.h"
#include "storage/sql/key_filter.h"
#include "storage/sql/tables.h"

namespace pharos::storage::sql {

struct KeyHash {
  using is_transparent = void;
  size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
};

// What a transaction has read and wants to write.
struct Intent {
  uint64_t start = 0;                     // number of the state it read
  std::unordered_set<std::string> reads;  // keys and guards
  std::map<std::string, Value, std::less<>> writes;
  std::unordered_set<std::string> touches;
};

// Thread-safe.
class Versions {
 public:
  // `cache_bytes`: for values that nobody needs to have here. `held_bytes`: for what states in use need; past
  // it the oldest states are given up.
  Versions(size_t cache_bytes, size_t held_bytes) : cache_bytes_(cache_bytes), held_bytes_(held_bytes) {}
  Versions(const Versions&) = delete;
  Versions& operator=(const Versions&) = delete;

  // The state `number` is in use / no more. Each is pinned before the commit after it begins.
  void Pin(uint64_t number);
  void Unpin(uint64_t number);

  // The value at state `number`, which is pinned; nullopt: ask the database, then Learn. ABORTED STORE_BUSY:
  // the state was given up.
  absl::StatusOr<std::optional<Value>> Find(std::string_view key, uint64_t number);
  // Takes what the database said, after the state was pinned, and returns the value at the state.
  absl::StatusOr<Value> Learn(std::string_view key, uint64_t number, Value value);
  // Corrects `rows`, all that the database has in [begin, end) (end empty: no end), to what is there at the
  // state.
  absl::Status Correct(const KeyRange& range, uint64_t number, std::map<std::string, std::string>& rows);

  // These keys are in the database; with `all`, and those of earlier calls, and those admitted here, that is
  // every key.
  void Present(const std::vector<std::string_view>& keys, bool all);

  // For the one thread that commits.
  // Those of `keys` whose old value is not here.
  std::vector<std::string_view> Unknown(const std::vector<std::string_view>& keys);
  enum class Verdict {
    kAdmitted,  // its writes stand here as those of commit `number`
    kConflict,  // what it read was written since
    kUnknown,   // an old value is neither here nor in `before`; nothing was done
  };
  Verdict Admit(const Intent& intent, uint64_t number, const std::unordered_map<std::string, Value>& before);
  // Commit `number` did not happen.
  void Withdraw(uint64_t number);

  size_t bytes() const;  // of everything held

 private:
  struct Version {
    uint64_t since = 0;  // number of the commit that wrote it; 0: before all states in use
    Value value;
  };
  struct Entry {
    std::vector<Version> versions;                  // oldest first, never empty
    std::list<const std::string*>::iterator place;  // in recent_
  };
  struct Touched {
    uint64_t last = 0;
    uint64_t before = 0;
  };
  struct Written {
    uint64_t number;
    std::string key;
    bool touch;
  };
  using Entries = std::unordered_map<std::string, Entry, KeyHash, std::equal_to<>>;

  absl::Status CheckHeld(uint64_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static const Value* At(const Entry& entry, uint64_t number);
  bool WrittenSince(const std::string& key, uint64_t start) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Entries::iterator Add(std::string_view key, Value value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Append(Entries::iterator entry, uint64_t number, const Value& value)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Touch(const std::string& guard, uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Settle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SettleKey(const std::string& key, uint64_t oldest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SettleGuard(const std::string& guard, uint64_t oldest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeBack(const std::string& key, uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Evict() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t cache_bytes_;
  const size_t held_bytes_;

  mutable base::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::list<const std::string*> recent_
      ABSL_GUARDED_BY(mutex_);  // newest first; only entries with one version
  std::map<std::string_view, Entry*> changed_ ABSL_GUARDED_BY(mutex_);  // entries with more, in order
  std::unordered_map<std::string, Touched> touched_ ABSL_GUARDED_BY(mutex_);
  std::deque<Written> order_ ABSL_GUARDED_BY(mutex_);  // what is not settled, oldest first
  std::multiset<uint64_t> pinned_ ABSL_GUARDED_BY(mutex_);
  uint64_t floor_ ABSL_GUARDED_BY(mutex_) = 0;  // older states were given up
  KeyFilter filter_
      ABSL_GUARDED_BY(mutex_);  // every key that any state in use has and that does not stand here
  size_t cached_ ABSL_GUARDED_BY(mutex_) = 0;  // bytes of recent_
  size_t held_ ABSL_GUARDED_BY(mutex_) = 0;    // bytes of changed_
};

}  // namespace pharos::storage::sql
