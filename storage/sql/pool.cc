#include "storage/sql/pool.h"

#include "services/base/clock.h"
#include "services/base/errors.h"
#include "storage/sql/errors.h"

namespace pharos::storage::sql {
namespace {

constexpr int64_t kPauseMicros =
    200'000;  // between attempts to connect: short against a restart of the database

}  // namespace

absl::StatusOr<Answer> Pool::Read(const Statement& statement, const Params& params) {
  for (bool again = false;; again = true) {
    PHAROS_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Borrow());
    if (connection == nullptr) {
      auto opened = Connection::Open(settings_, name_);
      if (!opened.ok()) {
        GiveBack(nullptr, /*lost=*/true);
        return std::move(opened).status();
      }
      connection = *std::move(opened);
    }
    Answer answer = connection->Run(statement, params);
    GiveBack(connection->broken() ? nullptr : std::move(connection), /*lost=*/false);
    if (answer.ok()) return answer;
    // Those that were idle when the database went have all died with it.
    const bool worth = answer.verdict() == Verdict::kAway || answer.verdict() == Verdict::kConflict;
    if (again || !worth) return ToStatus(answer, name_);
    if (answer.verdict() == Verdict::kAway) DropIdle();
  }
}

void Pool::DropIdle() {
  std::vector<std::unique_ptr<Connection>> dead;  // closed after the lock
  base::MutexLock lock(mutex_);
  dead.swap(idle_);
}

absl::StatusOr<std::unique_ptr<Connection>> Pool::Borrow() {
  base::MutexLock lock(mutex_);
  while (idle_.empty() && borrowed_ >= kMaxConnections) free_.Wait(lock);
  std::unique_ptr<Connection> connection;
  if (!idle_.empty()) {
    connection = std::move(idle_.back());
    idle_.pop_back();
  } else if (base::Clock::System().BootMicros() < next_attempt_) {
    return SqlErrors::Away(name_, "it did not a moment ago");
  }
  ++borrowed_;
  return connection;
}

void Pool::GiveBack(std::unique_ptr<Connection> connection, bool lost) {
  base::MutexLock lock(mutex_);
  --borrowed_;
  if (connection != nullptr) idle_.push_back(std::move(connection));
  if (lost) next_attempt_ = base::Clock::System().BootMicros() + kPauseMicros;
  free_.NotifyOne();
}

}  // namespace pharos::storage::sql
