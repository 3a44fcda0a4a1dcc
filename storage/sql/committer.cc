#include "storage/sql/committer.h"

#include <algorithm>
#include <chrono>

#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "storage/sql/errors.h"

namespace pharos::storage::sql {
namespace {

constexpr size_t kMaxWaiting = 4096;  // threads that wait to commit; more wait for room
constexpr size_t kMaxGroupBytes =
    8u << 20;  // one commit; more would make the first of the group wait for too long
constexpr size_t kMaxGroupRows = 8192;  // the same, in transactions' worth of statements
// A caller has gone after so long; the request id tells it later what became of its request.
constexpr int64_t kMaxUnknownMicros = 60'000'000;
constexpr int64_t kFirstPauseMicros = 50'000;
constexpr int64_t kMaxPauseMicros = 1'000'000;

int64_t Now() {
  return base::Clock::System().BootMicros();
}

bool IsAway(const absl::Status& status) {
  return base::ReasonOf(status) == "STORE_AWAY";
}

}  // namespace

Committer::Committer(Source& source, const std::string& settings, const Meta& meta,
                     std::unique_ptr<Witness> witness, std::unique_ptr<Connection> connection)
    : source_(source),
      settings_(settings),
      epoch_(meta.epoch),
      witness_(std::move(witness)),
      connection_(std::move(connection)),
      number_(meta.sequence),
      position_(meta.position),
      state_(std::make_shared<const State>(source, meta.sequence, meta.position)),
      thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    base::MutexLock lock(mutex_);
    closing_ = true;
    arrived_.NotifyAll();
  }
  thread_.join();
}

Committer::Result Committer::Commit(SqlTransaction& tx) {
  Waiting waiting(&tx);
  base::MutexLock lock(mutex_);
  while (queue_.size() >= kMaxWaiting) room_.Wait(lock);
  queue_.push_back(&waiting);
  arrived_.NotifyOne();
  while (!waiting.decided) waiting.wake.Wait(lock);
  return waiting.result;
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
  for (Waiters waiters = TakeWaiters(); !waiters.empty(); waiters = TakeWaiters())
    CommitGroup(std::move(waiters));
}

// Empty: time to end.
Committer::Waiters Committer::TakeWaiters() {
  Waiters waiters;
  size_t bytes = 0, rows = 0;
  base::MutexLock lock(mutex_);
  while (queue_.empty() && !closing_) arrived_.Wait(lock);
  while (!queue_.empty()) {
    const SqlTransaction& next = *queue_.front()->tx;
    bytes += next.Bytes();
    rows += next.intent().writes.size();
    if (!waiters.empty() && (bytes > kMaxGroupBytes || rows > kMaxGroupRows)) break;
    waiters.push_back(queue_.front());
    queue_.pop_front();
  }
  room_.NotifyAll();
  return waiters;
}

void Committer::CommitGroup(Waiters waiters) {
  if (const absl::Status lost = source_.tenure.Check(); !lost.ok()) return Fail(waiters, lost);
  const absl::StatusOr<Group> group = Gather(waiters);
  if (!group.ok()) {
    source_.versions.Withdraw(number_ + 1);
    return Fail(waiters, group.status());
  }
  if (group->sequence == number_) return Publish(waiters, nullptr);  // all of them lost
  WriteResult result = WriteUntilKnown(*group, waiters);
  if (result.written == Written::kYes && witness_ != nullptr) {
    result.cause = witness_->Advance(group->sequence);
    if (!result.cause.ok()) result.written = Written::kFenced;  // it can acknowledge nothing any more
  }
  if (result.written == Written::kFenced || absl::IsDataLoss(result.cause)) source_.tenure.Lose(result.cause);
  if (result.written == Written::kYes) {
    number_ = group->sequence;
    position_ = group->position;
    return Publish(waiters, std::make_shared<const State>(source_, number_, position_));
  }
  source_.versions.Withdraw(number_ + 1);
  Fail(waiters, result.cause);
}

absl::StatusOr<Group> Committer::Gather(const Waiters& waiters) {
  Group group{.epoch = epoch_, .sequence = number_, .position = position_};
  std::vector<std::string_view> keys;
  for (const Waiting* waiting : waiters) {
    for (const auto& [key, value] : waiting->tx->intent().writes) keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  Before before;
  PHAROS_RETURN_IF_ERROR(FetchBefore(keys, before));
  for (Waiting* waiting : waiters) {
    PHAROS_ASSIGN_OR_RETURN(const bool admitted, Admit(*waiting, group, before));
    waiting->result.outcome = admitted ? Outcome::kCommitted : Outcome::kConflict;
  }
  return group;
}

absl::StatusOr<bool> Committer::Admit(Waiting& waiting, Group& group, Before& before) {
  const Intent& intent = waiting.tx->intent();
  Versions::Verdict verdict = source_.versions.Admit(intent, number_ + 1, before);
  while (verdict == Versions::Verdict::kUnknown) {  // pushed out of the cache since
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : intent.writes) {
      if (!before.contains(key)) keys.push_back(key);
    }
    PHAROS_RETURN_IF_ERROR(FetchBefore(keys, before));
    verdict = source_.versions.Admit(intent, number_ + 1, before);
  }
  if (verdict == Versions::Verdict::kConflict) return false;
  group.sequence = number_ + 1;
  for (const auto& [key, value] : intent.writes) group.writes.insert_or_assign(key, value);
  for (std::string& change : waiting.tx->changes()) {
    group.changes.push_back(std::move(change));
    ++group.position;
  }
  return true;
}

// A key that this group has written already is known, so what the database says is what was before the group.
absl::Status Committer::FetchBefore(const std::vector<std::string_view>& keys, Before& before) {
  const std::vector<std::string_view> unknown = source_.versions.Unknown(keys);
  if (unknown.empty()) return absl::OkStatus();
  for (bool again = false;; again = true) {
    PHAROS_RETURN_IF_ERROR(Connect());
    absl::StatusOr<std::vector<Row>> rows = source_.tables.Fetch(*connection_, unknown);
    if (!rows.ok() && !again && connection_->broken()) continue;
    PHAROS_RETURN_IF_ERROR(rows.status());
    for (const std::string_view key : unknown) before.try_emplace(std::string(key));
    for (Row& row : *rows) before[std::move(row.key)] = std::move(row.value);
    return absl::OkStatus();
  }
}

WriteResult Committer::WriteUntilKnown(const Group& group, Waiters& waiters) {
  const int64_t told_at = Now() + kMaxUnknownMicros;
  bool unknown = false;
  int64_t pause = kFirstPauseMicros;
  for (int attempt = 0;; ++attempt) {
    WriteResult result = WriteOnce(group);
    if (result.written == Written::kYes || result.written == Written::kFenced) return result;
    if (result.written == Written::kNo && !unknown) {
      // A connection that had died while it was idle is no failure yet.
      if (attempt == 0 && IsAway(result.cause)) continue;
      return result;
    }
    // From here on "no" is not enough: an earlier attempt may still have been kept.
    if (!std::exchange(unknown, true))
      base::Log(base::LogLevel::kWarning, "store_commit_unknown", {{"store", source_.tables.name()}});
    if (Now() > told_at) Fail(std::exchange(waiters, {}), SqlErrors::OutcomeUnknown(source_.tables.name()));
    if (attempt > 0) {
      if (!Pause(pause)) return {Written::kFenced, SqlErrors::OutcomeUnknown(source_.tables.name())};
      pause = std::min(pause * 2, kMaxPauseMicros);
    }
  }
}

WriteResult Committer::WriteOnce(const Group& group) {
  if (absl::Status away = Connect(); !away.ok()) return {Written::kNo, std::move(away)};
  return source_.tables.Write(*connection_, group);
}

absl::Status Committer::Connect() {
  if (connection_ != nullptr && !connection_->broken()) return absl::OkStatus();
  connection_ = nullptr;
  PHAROS_ASSIGN_OR_RETURN(connection_, Connection::Open(settings_, source_.tables.name()));
  return absl::OkStatus();
}

bool Committer::Pause(int64_t micros) {
  Waiters refused;
  {
    base::MutexLock lock(mutex_);
    if (!closing_) arrived_.WaitForMicros(lock, micros);
    if (closing_) return false;
    refused.assign(queue_.begin(), queue_.end());
    queue_.clear();
    room_.NotifyAll();
  }
  Fail(refused, SqlErrors::Away(source_.tables.name(), "an earlier commit is not known yet"));
  return true;
}

void Committer::Fail(const Waiters& waiters, const absl::Status& why) {
  base::MutexLock lock(mutex_);
  for (Waiting* waiting : waiters) {
    waiting->result = {Outcome::kFailed, why};
    waiting->decided = true;
    waiting->wake.NotifyOne();
  }
}

// The losers, too, wake only now: they start again from the state that beat them.
void Committer::Publish(const Waiters& waiters, std::shared_ptr<const State> next) {
  std::shared_ptr<const State> last;  // released after the lock
  base::MutexLock lock(mutex_);
  if (next != nullptr) {
    last = std::exchange(state_, std::move(next));
    if (last->position() != state_->position()) changed_.NotifyAll();
  }
  for (Waiting* waiting : waiters) {
    waiting->decided = true;
    waiting->wake.NotifyOne();
  }
}

}  // namespace pharos::storage::sql
