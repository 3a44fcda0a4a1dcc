#include "storage/sql/sql_store.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "services/base/errors.h"
#include "storage/errors.h"

namespace pharos::storage::sql {
namespace {

constexpr size_t kMaxTransactionBytes = 64u << 20;  // held in memory several times on its way to the database
constexpr int64_t kFirstPauseMicros = 20;
constexpr int64_t kMaxPauseMicros = 1'000;

class StateView final : public View {
 public:
  explicit StateView(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    return state_->Get(key);
  }
  absl::Status Scan(const KeyRange& range, const Visitor& visit) const override {
    return state_->Scan(range, visit);
  }
  uint64_t position() const override { return state_->position(); }

 private:
  const std::shared_ptr<const State> state_;
};

// Random, so that those who collided do not meet again.
void PauseBeforeAttempt(int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const int64_t most = std::min(kMaxPauseMicros, kFirstPauseMicros << std::min(attempt, 20));
  std::this_thread::sleep_for(
      std::chrono::microseconds(std::uniform_int_distribution<int64_t>(0, most)(random)));
}

}  // namespace

SqlStore::~SqlStore() {
  parts_.survey.reset();
  parts_.committer.reset();
  parts_.source.reset();
  parts_.tenure.reset();  // last: only then may another process have the store
}

absl::Status SqlStore::Transact(const std::function<absl::Status(Transaction&)>& body) {
  Turn::Seat seat(turn_);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    if (attempt > 0) PauseBeforeAttempt(std::min(attempt, Turn::kPatience));
    seat.Await(attempt);
    PHAROS_RETURN_IF_ERROR(parts_.tenure->Check());
    SqlTransaction tx(parts_.committer->state());
    PHAROS_RETURN_IF_ERROR(body(tx));
    PHAROS_RETURN_IF_ERROR(tx.failure());
    // All it read is one state: it stands where that state stands.
    if (tx.ReadOnly()) return absl::OkStatus();
    if (tx.Bytes() > kMaxTransactionBytes)
      return StoreErrors::TransactionTooLarge(tx.Bytes(), kMaxTransactionBytes);
    const Committer::Result result = parts_.committer->Commit(tx);
    if (result.outcome == Committer::Outcome::kCommitted) return absl::OkStatus();
    if (result.outcome == Committer::Outcome::kFailed) return result.failure;
  }
  return StoreErrors::Busy(kMaxAttempts);
}

std::unique_ptr<View> SqlStore::Read() const {
  return std::make_unique<StateView>(parts_.committer->state());
}

absl::StatusOr<std::optional<std::string>> SqlStore::Get(std::string_view key) const {
  return parts_.committer->state()->Get(key);
}

absl::StatusOr<std::vector<Change>> SqlStore::ReadChanges(uint64_t position, size_t most) const {
  return parts_.committer->state()->Changes(position, most);
}

bool SqlStore::WaitForChange(uint64_t position, int64_t micros) const {
  return parts_.committer->WaitForChange(position, micros);
}

uint64_t SqlStore::LastPosition() const {
  return parts_.committer->state()->position();
}

}  // namespace pharos::storage::sql
