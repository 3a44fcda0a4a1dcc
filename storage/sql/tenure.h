// This process's ownership of a store. A thread of its own moves the row `beat` while the process lives;
// whoever wants to take the store over from a process that it cannot see waits until the row has stood still
// for kTakeOverMicros. A process that could not move it for kStaleMicros does not trust what it holds of the
// store any more until it can: so nobody reads what a new owner has changed meanwhile. Commits are safe
// without clocks: each checks the epoch.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "services/base/mutex.h"
#include "storage/sql/tables.h"

namespace pharos::storage::sql {

struct Pace {
  int64_t beat_micros = 1'000'000;
  int64_t stale_micros = 5'000'000;       // several beats lost
  int64_t take_over_micros = 10'000'000;  // twice that: also if clocks differ by half
};

// Thread-safe.
class Tenure {
 public:
  // Takes the store; `meta` is then as this process found it, with its own epoch. FAILED_PRECONDITION
  // STORE_IN_USE.
  static absl::StatusOr<std::unique_ptr<Tenure>> Take(const std::string& settings, const Tables& tables,
                                                      const Pace& pace, Connection& connection, Meta& meta);
  // Gives the store back.
  ~Tenure();
  Tenure(const Tenure&) = delete;
  Tenure& operator=(const Tenure&) = delete;

  // OK as long as what this process holds of the store is true. UNAVAILABLE STORE_AWAY for a while,
  // STORE_IN_USE (fenced) or what Lose was told for ever.
  absl::Status Check() const;
  void Lose(const absl::Status& why);

 private:
  Tenure(std::string settings, const Tables& tables, const Pace& pace, uint64_t epoch);
  void Run();
  absl::Status BeatOnce(std::unique_ptr<Connection>& connection);

  const std::string settings_;
  const Tables& tables_;
  const Pace pace_;
  const uint64_t epoch_;
  std::atomic<int64_t> fresh_until_;  // boot micros
  std::atomic<bool> lost_ = false;

  mutable base::Mutex mutex_;
  base::CondVar wake_;
  absl::Status why_lost_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace pharos::storage::sql
