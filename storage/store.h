// The storage contract. One ordered map of byte strings, with serialisable transactions, snapshots and a
// change log.
//
// Promises
//   - A committed transaction is durable (synced) when Transact returns OK, and is then seen by every later
//   read.
//   - Transactions are serialisable over point reads. A scan inside a read-write transaction names a guard
//   key; whoever writes
//     into the scanned range calls Touch(guard) in the same transaction. Scans without a guard belong to a
//     View.
//   - Change-log entries written in a transaction commit with it. Positions rise in commit order: a reader
//   that has seen
//     position p has seen every change up to p (no committed change is ever passed over).
//   - A store that cannot commit (full disk, I/O error) says so and keeps refusing writes; it never
//   acknowledges what it lost.
//
// Keys are made with storage/key_codec.h and hold no personal value; values stand in an envelope
// (storage/envelope.h). Every class here may be used from several threads at once unless it says otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pharos::storage {

// Keys k with begin <= k < end. An empty end means "to the end of the store".
struct KeyRange {
  std::string begin;
  std::string end;
};
// All keys that start with `prefix`.
KeyRange PrefixRange(std::string_view prefix);

// Called for each key in order; return false to stop. The views live until the call returns.
using Visitor = std::function<bool(std::string_view key, std::string_view value)>;

// A consistent state of the store at one moment. Cheap; holds back clean-up while it lives, so do not keep it
// for minutes.
class View {
 public:
  virtual ~View() = default;
  // nullopt: nothing is there.
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const = 0;
  virtual absl::Status Scan(const KeyRange& range, const Visitor& visit) const = 0;
  // Position of the last change that this view has.
  virtual uint64_t position() const = 0;
};

// A read-write transaction: reads see the state at its start plus its own writes. Used by one thread. Lives
// inside Transact.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) = 0;
  // Sees own writes too. `guard` is read: a transaction that touched it since our start makes ours start
  // again.
  virtual absl::Status Scan(const KeyRange& range, std::string_view guard, const Visitor& visit) = 0;
  virtual void Put(std::string_view key, std::string_view value) = 0;
  virtual void Delete(std::string_view key) = 0;
  // Declares "a key under this guard changes here".
  virtual void Touch(std::string_view guard) = 0;
  // Appends to the change log at commit; `entry` is an encoded pharos.record.v1.ChangeEntry.
  virtual void AppendChange(std::string_view entry) = 0;
};

// One entry of the change log.
struct Change {
  uint64_t position = 0;  // 1, 2, …; gaps do not occur
  std::string entry;
};

class Store {
 public:
  virtual ~Store() = default;

  // Runs `body` in a transaction and commits it; on a conflict runs it again (at most kMaxAttempts times,
  // then ABORTED, reason STORE_BUSY). `body` must not have effects outside the transaction. A status from
  // `body` is returned as it is and nothing is written. Commits of several threads share one sync.
  virtual absl::Status Transact(const std::function<absl::Status(Transaction&)>& body) = 0;

  // For the only writer of a store (a loop that owns it): runs `body` at once, once, on its newest state,
  // which includes what it has written before and is not durable yet; `done` is called from another thread,
  // in the order of the calls, when it is durable or never will be (then nothing after it will be either).
  // Returns the status of `body`: if it is not OK nothing is written and `done` is not called. Point reads
  // see what is on its way; scans see what is committed. Not together with Transact. An engine that cannot go
  // ahead commits before it returns.
  using Done = std::function<void(absl::Status)>;
  virtual absl::Status TransactAhead(const std::function<absl::Status(Transaction&)>& body, Done done) {
    absl::Status refused;
    const absl::Status status = Transact([&](Transaction& tx) { return refused = body(tx); });
    if (!refused.ok()) return refused;
    done(status);
    return absl::OkStatus();
  }
  // The newest committed state.
  virtual std::unique_ptr<View> Read() const = 0;
  // A point read of the newest committed state.
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const = 0;

  // Entries after `position`, oldest first, at most `most`. OUT_OF_RANGE (reason CURSOR_TOO_OLD) if some of
  // them have been dropped: take a snapshot, then follow from its position.
  virtual absl::StatusOr<std::vector<Change>> ReadChanges(uint64_t position, size_t most) const = 0;
  // Waits until there is a change after `position`, at most `micros`. True if there is.
  virtual bool WaitForChange(uint64_t position, int64_t micros) const = 0;
  // Position of the last committed change; 0 = none.
  virtual uint64_t LastPosition() const = 0;

  static constexpr int kMaxAttempts =
      64;  // a conflict costs microseconds; past this somebody holds a key too hot
};

}  // namespace pharos::storage
