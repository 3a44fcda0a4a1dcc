// The connections that reads use. Each is borrowed for one statement. A broken one is thrown away; while the
// database is away, attempts to connect are spaced out and the calls between them fail at once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/base/mutex.h"
#include "storage/sql/connection.h"

namespace pharos::storage::sql {

// Thread-safe.
class Pool {
 public:
  Pool(std::string settings, std::string name) : settings_(std::move(settings)), name_(std::move(name)) {}

  // Runs a statement that only reads; once more on a new connection if the first one turns out to be dead.
  absl::StatusOr<Answer> Read(const Statement& statement, const Params& params);

  // Reads wait for short moments only, and every store of a process has its own pool: six stores stay well
  // under the hundred connections that a PostgreSQL gives out by itself.
  static constexpr size_t kMaxConnections = 6;

 private:
  // nullptr: there is room for a new one.
  absl::StatusOr<std::unique_ptr<Connection>> Borrow();
  void GiveBack(std::unique_ptr<Connection> connection, bool lost);
  void DropIdle();

  const std::string settings_;
  const std::string name_;
  base::Mutex mutex_;
  base::CondVar free_;
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mutex_);
  size_t borrowed_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t next_attempt_ ABSL_GUARDED_BY(mutex_) = 0;  // boot micros; after a failure to connect
};

}  // namespace pharos::storage::sql
