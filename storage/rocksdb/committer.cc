#include "storage/rocksdb/committer.h"

#include <chrono>

#include "services/base/log.h"

namespace pharos::storage::rocks {
namespace {

constexpr size_t kMaxWaiting = 4096;  // threads that wait to commit; more wait for room
constexpr size_t kMaxGroupBytes =
    8u << 20;  // one sync; more would make the first of the group wait for too long
constexpr size_t kMaxRememberedWrites = 1u << 18;  // some 20 MiB; seconds of the heaviest load

}  // namespace

Committer::Committer(rocksdb::DB* db, std::string folder, uint64_t position, Witness* witness)
    : db_(db),
      folder_(std::move(folder)),
      witness_(witness),
      resolver_(kMaxRememberedWrites),
      position_(position),
      state_(std::make_shared<const State>(db_, folder_, 0, position)),
      thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    base::MutexLock lock(mutex_);
    closing_ = true;
    arrived_.NotifyAll();
  }
  thread_.join();
}

Committer::Outcome Committer::Commit(RocksDbTransaction& tx) {
  Waiting waiting(&tx);
  base::MutexLock lock(mutex_);
  while (queue_.size() >= kMaxWaiting) room_.Wait(lock);
  queue_.push_back(&waiting);
  arrived_.NotifyOne();
  while (!waiting.decided) waiting.wake.Wait(lock);
  return waiting.outcome;
}

void Committer::CommitAhead(std::shared_ptr<RocksDbTransaction> tx, std::function<void(Outcome)> decided) {
  auto waiting = std::make_unique<Waiting>(std::move(tx), std::move(decided));
  base::MutexLock lock(mutex_);
  while (queue_.size() >= kMaxWaiting) room_.Wait(lock);
  queue_.push_back(waiting.release());
  arrived_.NotifyOne();
}

absl::Status Committer::failure() const {
  base::MutexLock lock(mutex_);
  return failure_;
}

std::shared_ptr<const State> Committer::state() const {
  base::MutexLock lock(mutex_);
  return state_;
}

bool Committer::WaitForChange(uint64_t position, int64_t micros) const {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::microseconds(micros);
  base::MutexLock lock(mutex_);
  while (state_->position() <= position) {
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    changed_.WaitForMicros(lock, left);
  }
  return true;
}

void Committer::Run() {
  for (Group group = TakeGroup(); !group.empty(); group = TakeGroup()) CommitGroup(group);
}

// Empty: time to end.
Committer::Group Committer::TakeGroup() {
  Group group;
  size_t bytes = 0;
  base::MutexLock lock(mutex_);
  while (queue_.empty() && !closing_) arrived_.Wait(lock);
  while (!queue_.empty() && (group.empty() || bytes + queue_.front()->tx->Bytes() <= kMaxGroupBytes)) {
    bytes += queue_.front()->tx->Bytes();
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  room_.NotifyAll();
  return group;
}

void Committer::CommitGroup(const Group& group) {
  if (absl::Status failed = failure(); !failed.ok()) return Publish(group, nullptr, std::move(failed));
  rocksdb::WriteBatch batch = Gather(group);
  if (const rocksdb::Status status = Write(batch); !status.ok()) {
    base::Log(base::LogLevel::kError, "store_failed", {{"folder", folder_}, {"cause", status.ToString()}});
    return Publish(group, nullptr, FromRocksDb(status, folder_));
  }
  if (absl::Status status = batch.Count() == 0 ? absl::OkStatus() : Testify(); !status.ok()) {
    base::Log(base::LogLevel::kError, "store_failed",
              {{"folder", folder_}, {"cause", std::string("the witness cannot be written")}});
    return Publish(group, nullptr, std::move(status));
  }
  Publish(group, std::make_shared<const State>(db_, folder_, commit_, position_), absl::OkStatus());
}

rocksdb::WriteBatch Committer::Gather(const Group& group) {
  rocksdb::WriteBatch batch;
  for (Waiting* waiting : group) {
    RocksDbTransaction& tx = *waiting->tx;
    if (!tx.alone() && resolver_.Conflicts(tx.start(), tx.Reads())) {
      waiting->outcome = Outcome::kConflict;
      continue;
    }
    waiting->outcome = Outcome::kCommitted;
    ++commit_;
    if (!tx.alone()) resolver_.Record(commit_, tx.Writes());
    // No call can fail: the batch has no size limit.
    for (const auto& [key, value] : tx.writes()) {
      const rocksdb::Status noted =
          value ? batch.Put(ToSlice(key), ToSlice(*value)) : batch.Delete(ToSlice(key));
      if (!noted.ok()) std::abort();
    }
    for (const std::string& change : tx.changes()) {
      if (!batch.Put(ChangeKey(++position_), change).ok()) std::abort();
    }
  }
  return batch;
}

rocksdb::Status Committer::Write(rocksdb::WriteBatch& batch) {
  if (batch.Count() == 0) return rocksdb::Status::OK();
  rocksdb::WriteOptions options;
  options.sync = true;
  return db_->Write(options, &batch);
}

absl::Status Committer::Testify() {
  return witness_ == nullptr ? absl::OkStatus() : witness_->Advance(db_->GetLatestSequenceNumber());
}

// The losers, too, wake only now: they start again from the state that beat them.
void Committer::Publish(const Group& group, std::shared_ptr<const State> next, absl::Status failure) {
  std::shared_ptr<const State> last;  // released after the lock
  std::vector<std::unique_ptr<Waiting>> ahead;
  {
    base::MutexLock lock(mutex_);
    PublishLocked(group, std::move(next), std::move(failure), last, ahead);
  }
  for (const auto& waiting : ahead) waiting->on_decided(waiting->outcome);
}

void Committer::PublishLocked(const Group& group, std::shared_ptr<const State> next, absl::Status failure,
                              std::shared_ptr<const State>& last,
                              std::vector<std::unique_ptr<Waiting>>& ahead) {
  if (next != nullptr) {
    last = std::exchange(state_, std::move(next));
    if (last->position() != state_->position()) changed_.NotifyAll();
  } else {
    failure_ = std::move(failure);
  }
  for (Waiting* waiting : group) {
    if (!failure_.ok()) waiting->outcome = Outcome::kFailed;
    if (waiting->on_decided) {
      ahead.emplace_back(waiting);
      continue;
    }
    waiting->decided = true;
    waiting->wake.NotifyOne();
  }
}

}  // namespace pharos::storage::rocks
