// The one thread that commits. It takes the transactions that wait, lets those win that nobody has overtaken,
// gives their change-log entries positions, writes them all with one sync, and publishes the new state.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "services/base/mutex.h"
#include "storage/rocksdb/read.h"
#include "storage/rocksdb/resolver.h"
#include "storage/rocksdb/rocksdb_transaction.h"
#include "storage/witness.h"

namespace pharos::storage::rocks {

class Committer {
 public:
  // `position`: of the last change in `db`. `witness` may be null.
  Committer(rocksdb::DB* db, std::string folder, uint64_t position, Witness* witness);
  // Commits what waits, then ends. Nobody may be inside Commit or WaitForChange, and no state may be in use
  // any more.
  ~Committer();

  enum class Outcome { kCommitted, kConflict, kFailed };
  // Waits until `tx` is decided. kFailed: the reason is in failure().
  Outcome Commit(RocksDbTransaction& tx);
  // Does not wait, but for room; `decided` is called from the committer's thread, in order.
  void CommitAhead(std::shared_ptr<RocksDbTransaction> tx, std::function<void(Outcome)> decided);
  // OK until a write has failed; from then on nothing more is committed. Thread-safe.
  absl::Status failure() const;

  std::shared_ptr<const State> state() const;
  // True if there is a change after `position`; waits at most `micros`.
  bool WaitForChange(uint64_t position, int64_t micros) const;

 private:
  struct Waiting {
    explicit Waiting(RocksDbTransaction* transaction) : tx(transaction) {}
    Waiting(std::shared_ptr<RocksDbTransaction> transaction, std::function<void(Outcome)> callback)
        : tx(transaction.get()), owned(std::move(transaction)), on_decided(std::move(callback)) {}
    RocksDbTransaction* const tx;
    std::shared_ptr<RocksDbTransaction> owned;  // with on_decided: nobody waits, it is deleted after the call
    std::function<void(Outcome)> on_decided;
    Outcome outcome = Outcome::kFailed;
    bool decided = false;
    base::CondVar wake;
  };
  using Group = std::vector<Waiting*>;

  void Run();
  Group TakeGroup();
  void CommitGroup(const Group& group);
  // Judges in order and gathers the winners; returns what they write.
  rocksdb::WriteBatch Gather(const Group& group);
  rocksdb::Status Write(rocksdb::WriteBatch& batch);
  // After the write's sync: nobody is told of a commit that the witness has not seen.
  absl::Status Testify();
  void Publish(const Group& group, std::shared_ptr<const State> next, absl::Status failure);
  void PublishLocked(const Group& group, std::shared_ptr<const State> next, absl::Status failure,
                     std::shared_ptr<const State>& last, std::vector<std::unique_ptr<Waiting>>& ahead)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  rocksdb::DB* const db_;
  const std::string folder_;
  Witness* const witness_;

  // The committer's thread only.
  Resolver resolver_;
  uint64_t commit_ = 0;
  uint64_t position_;

  mutable base::Mutex mutex_;
  mutable base::CondVar arrived_;
  mutable base::CondVar room_;
  mutable base::CondVar changed_;
  std::deque<Waiting*> queue_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const State> state_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace pharos::storage::rocks
