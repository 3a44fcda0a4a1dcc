// The one thread that commits. It takes the transactions that wait, lets those win that nobody has overtaken,
// gives their change-log entries positions, writes them all in one SQL transaction, and publishes the new
// state. If the connection dies while a commit is under way, nothing else is committed until the database has
// said whether that one was kept.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "services/base/mutex.h"
#include "storage/sql/read.h"
#include "storage/sql/sql_transaction.h"
#include "storage/witness.h"

namespace pharos::storage::sql {

class Committer {
 public:
  // `meta`: as the tenure found it. `witness` may be null. `connection`: an open one.
  Committer(Source& source, const std::string& settings, const Meta& meta, std::unique_ptr<Witness> witness,
            std::unique_ptr<Connection> connection);
  // Commits what waits, then ends. Nobody may be inside Commit or WaitForChange, and no state may be in use
  // any more.
  ~Committer();

  enum class Outcome { kCommitted, kConflict, kFailed };
  struct Result {
    Outcome outcome = Outcome::kFailed;
    absl::Status failure;  // not OK with kFailed
  };
  // Waits until `tx` is decided.
  Result Commit(SqlTransaction& tx);

  std::shared_ptr<const State> state() const;
  // True if there is a change after `position`; waits at most `micros`.
  bool WaitForChange(uint64_t position, int64_t micros) const;

 private:
  struct Waiting {
    explicit Waiting(SqlTransaction* transaction) : tx(transaction) {}
    SqlTransaction* const tx;
    Result result;
    bool decided = false;
    base::CondVar wake;
  };
  using Waiters = std::vector<Waiting*>;
  using Before = std::unordered_map<std::string, Value>;

  void Run();
  Waiters TakeWaiters();
  void CommitGroup(Waiters waiters);
  // Judges in order and gathers the winners.
  absl::StatusOr<Group> Gather(const Waiters& waiters);
  absl::StatusOr<bool> Admit(Waiting& waiting, Group& group, Before& before);
  absl::Status FetchBefore(const std::vector<std::string_view>& keys, Before& before);
  // Until it is known what came of it. Empties `waiters` if they were told before that.
  WriteResult WriteUntilKnown(const Group& group, Waiters& waiters);
  WriteResult WriteOnce(const Group& group);
  absl::Status Connect();
  // False: time to end.
  bool Pause(int64_t micros);
  void Fail(const Waiters& waiters, const absl::Status& why);
  void Publish(const Waiters& waiters, std::shared_ptr<const State> next);

  Source& source_;
  const std::string settings_;
  const uint64_t epoch_;

  // The committer's thread only.
  std::unique_ptr<Witness> witness_;
  std::unique_ptr<Connection> connection_;
  uint64_t number_;
  uint64_t position_;

  mutable base::Mutex mutex_;
  mutable base::CondVar arrived_;
  mutable base::CondVar room_;
  mutable base::CondVar changed_;
  std::deque<Waiting*> queue_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const State> state_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace pharos::storage::sql
