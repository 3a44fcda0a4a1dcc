#include "storage/rocksdb/rocksdb_store.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "services/base/errors.h"
#include "storage/errors.h"

namespace pharos::storage::rocks {
namespace {

constexpr size_t kMaxTransactionBytes = 64u << 20;  // held in memory three times on its way to the disk
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

RocksDbStore::RocksDbStore(Engine engine, const std::string& folder, uint64_t position)
    : folder_(folder),
      engine_(std::move(engine)),
      committer_(std::make_unique<Committer>(engine_.db.get(), folder, position, engine_.witness.get())) {}

RocksDbStore::~RocksDbStore() {
  committer_.reset();
  engine_.db.reset();  // before the environment it runs in, and before others may open the folder
}

absl::Status RocksDbStore::Transact(const std::function<absl::Status(Transaction&)>& body) {
  Turn::Seat seat(turn_);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    if (attempt > 0) PauseBeforeAttempt(std::min(attempt, Turn::kPatience));
    seat.Await(attempt);
    PHAROS_RETURN_IF_ERROR(committer_->failure());
    RocksDbTransaction tx(committer_->state());
    PHAROS_RETURN_IF_ERROR(body(tx));
    // All it read is one state: it stands where that state stands.
    if (tx.ReadOnly()) return absl::OkStatus();
    if (tx.Bytes() > kMaxTransactionBytes)
      return StoreErrors::TransactionTooLarge(tx.Bytes(), kMaxTransactionBytes);
    switch (committer_->Commit(tx)) {
      case Committer::Outcome::kCommitted:
        return absl::OkStatus();
      case Committer::Outcome::kFailed:
        return committer_->failure();
      case Committer::Outcome::kConflict:
        break;
    }
  }
  return StoreErrors::Busy(kMaxAttempts);
}

// What is on its way is taken before the state: a commit in between is then in both, never in neither.
absl::Status RocksDbStore::TransactAhead(const std::function<absl::Status(Transaction&)>& body, Done done) {
  PHAROS_RETURN_IF_ERROR(committer_->failure());
  std::vector<std::shared_ptr<const RocksDbTransaction>> before = Ahead();
  const bool behind = !before.empty();
  auto tx = std::make_shared<RocksDbTransaction>(committer_->state(), std::move(before));
  PHAROS_RETURN_IF_ERROR(body(*tx));
  if (tx->ReadOnly() && !behind) {
    done(absl::OkStatus());
    return absl::OkStatus();
  }
  if (tx->Bytes() > kMaxTransactionBytes)
    return StoreErrors::TransactionTooLarge(tx->Bytes(), kMaxTransactionBytes);
  {
    base::MutexLock lock(ahead_mutex_);
    ahead_.push_back(tx);
  }
  committer_->CommitAhead(std::move(tx), [this, done = std::move(done)](Committer::Outcome outcome) {
    Arrived();
    done(outcome == Committer::Outcome::kCommitted ? absl::OkStatus() : committer_->failure());
  });
  return absl::OkStatus();
}

std::vector<std::shared_ptr<const RocksDbTransaction>> RocksDbStore::Ahead() const {
  base::MutexLock lock(ahead_mutex_);
  return {ahead_.begin(), ahead_.end()};
}

// The oldest is durable, or never will be.
void RocksDbStore::Arrived() {
  base::MutexLock lock(ahead_mutex_);
  ahead_.pop_front();
}

std::unique_ptr<View> RocksDbStore::Read() const {
  return std::make_unique<StateView>(committer_->state());
}

absl::StatusOr<std::optional<std::string>> RocksDbStore::Get(std::string_view key) const {
  return committer_->state()->Get(key);
}

absl::StatusOr<std::vector<Change>> RocksDbStore::ReadChanges(uint64_t position, size_t most) const {
  return committer_->state()->Changes(position, most);
}

bool RocksDbStore::WaitForChange(uint64_t position, int64_t micros) const {
  return committer_->WaitForChange(position, micros);
}

uint64_t RocksDbStore::LastPosition() const {
  return committer_->state()->position();
}

}  // namespace pharos::storage::rocks
