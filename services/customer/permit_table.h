// The permits that may still lead to a hand-over: kept in memory for D from their registration. An opt-out is
// acknowledged when every permit it touches has left the table, so a permit enters *before* the ledger is
// looked at, and nothing but a release, a denial or its own expiry takes it out. Thread-safe; no lock is held
// while waiting for a store.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/customer/internal/v1/permit_service.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "storage/store.h"

namespace pharos::customer {

// What a stricter gate touches: permits for any of these people or endpoints.
struct Touched {
  std::vector<std::string> people;     // "people/…": current and former names
  std::vector<std::string> endpoints;  // blind indexes, 16 bytes
};

class PermitTable {
 public:
  // Permits live `term_us` (D). Makes the largest D ever used durable before the first permit can be given,
  // and notes when acknowledgements may begin: now + the largest D that an earlier life used (a store that
  // never gave a permit: at once).
  static absl::StatusOr<std::unique_ptr<PermitTable>> Open(storage::Store& store, base::Clock& clock,
                                                           int64_t term_us);
  PermitTable(base::Clock& clock, int64_t term_us, int64_t restart_wait_us);

  struct Registration {
    enum Kind {
      kFresh,   // in the table from now on, for D: look, then Settle or Remove
      kRepeat,  // was there already and is untouched: AwaitAnswer has what was answered
      kFull,    // kMostPermits reached: not registered
    };
    Kind kind = kFull;
    uint64_t ticket = 0;  // names this registration: an id that expired and came again is another one
  };
  Registration Register(std::string_view id, std::string_view person, std::string_view endpoint);

  // The look allowed it: remembers the answer for repeats. Nothing happens if that registration has left the
  // table.
  void Settle(std::string_view id, uint64_t ticket, const customer::internal::v1::PermitAnswer& answer);
  // The look denied it, or failed: out of the table; whoever waits for it waits no longer. Likewise.
  void Remove(std::string_view id, uint64_t ticket);
  // Its outcome is durable. An unknown id is ignored, and one that is still being looked at stays until it
  // expires.
  void Release(std::string_view id);

  // What was answered for an id that Register called kRepeat; waits while its first request is still looking.
  // nullopt: it left the table meanwhile.
  std::optional<customer::internal::v1::PermitAnswer> AwaitAnswer(std::string_view id);

  // A set of permits fixed at one moment; permits registered later never join it.
  class WaitSet;
  std::shared_ptr<WaitSet> SnapshotTouching(const Touched& touched);
  std::shared_ptr<WaitSet> SnapshotAll();
  // Returns when each permit of the set has been released, removed or has expired, and the wait after the
  // start is over.
  void Await(WaitSet& set);

  size_t size();  // live permits

  static constexpr size_t kMostPermits = 262'144;  // 2 s at 130,000 a second: past it something leaks
  static constexpr int64_t kWaitSliceMicros =
      10'000;  // the clock is looked at this often: timed waits do not count suspend

 private:
  struct Entry {
    uint64_t ticket = 0;
    std::string person;
    std::string endpoint;
    int64_t expires_us = 0;
    std::shared_ptr<const customer::internal::v1::PermitAnswer>
        answer;  // null while the first request is looking
    std::vector<std::shared_ptr<WaitSet>> waiters;
  };
  using Entries = std::unordered_map<std::string, Entry>;
  struct Expiry {
    int64_t at_us = 0;
    uint64_t ticket = 0;
    std::string id;
  };

  template <typename Touches>
  std::shared_ptr<WaitSet> Snapshot(const Touches& touches);
  void DropExpired(int64_t now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(Entries::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  base::Clock& clock_;
  const int64_t term_us_;
  const int64_t acknowledge_from_us_;  // boot time

  base::Mutex mutex_;
  base::CondVar answered_;  // an entry was settled or left, and somebody waits for its answer
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::deque<Expiry> by_expiry_ ABSL_GUARDED_BY(mutex_);  // in order of registration, as all terms are equal
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  int answer_waiters_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Guarded by the table's mutex.
class PermitTable::WaitSet {
 public:
  explicit WaitSet(std::unordered_map<std::string, int64_t> pending) : pending_(std::move(pending)) {}

 private:
  friend class PermitTable;
  std::unordered_map<std::string, int64_t> pending_;  // id → expiry
  base::CondVar empty_;
};

}  // namespace pharos::customer
