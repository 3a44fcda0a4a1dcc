#include "storage/sql/tenure.h"

#include <algorithm>
#include <chrono>

#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "storage/sql/errors.h"
#include "storage/sql/owner.h"

namespace pharos::storage::sql {
namespace {

constexpr int kMaxRaces = 16;       // with others that start at the same moment
constexpr int kLeaveAttempts = 10;  // the connection may be dead, the server about to be back
constexpr int64_t kLeavePauseMicros = 50'000;
constexpr int64_t kLookMicros = 100'000;

int64_t Now() {
  return base::Clock::System().BootMicros();
}

// True once the owner has shown no sign of life for long enough.
absl::StatusOr<bool> StandsStill(Connection& connection, const Tables& tables, const Pace& pace) {
  PHAROS_ASSIGN_OR_RETURN(const uint64_t first, tables.ReadBeats(connection));
  for (const int64_t until = Now() + pace.take_over_micros; Now() < until;) {
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(kLookMicros, pace.beat_micros)));
    PHAROS_ASSIGN_OR_RETURN(const uint64_t beats, tables.ReadBeats(connection));
    if (beats != first) return false;
  }
  return true;
}

absl::StatusOr<bool> IsFree(Connection& connection, const Tables& tables, const Pace& pace,
                            const Meta& meta) {
  if (meta.owner.empty()) return true;
  const Alive alive = IsAlive(meta.owner);
  if (alive != Alive::kCannotTell) return alive == Alive::kNo;
  base::Log(base::LogLevel::kInfo, "store_owner_watched",
            {{"store", tables.name()}, {"owner", InWords(meta.owner)}});
  return StandsStill(connection, tables, pace);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tenure>> Tenure::Take(const std::string& settings, const Tables& tables,
                                                     const Pace& pace, Connection& connection, Meta& meta) {
  for (int race = 0; race < kMaxRaces; ++race) {
    PHAROS_ASSIGN_OR_RETURN(meta, tables.ReadMeta(connection));
    PHAROS_ASSIGN_OR_RETURN(const bool free, IsFree(connection, tables, pace, meta));
    if (!free) return SqlErrors::InUse(tables.name(), InWords(meta.owner));
    PHAROS_ASSIGN_OR_RETURN(const bool taken, tables.TakeOver(connection, meta, ThisOwner()));
    if (taken) return std::unique_ptr<Tenure>(new Tenure(settings, tables, pace, meta.epoch));
  }
  return SqlErrors::InUse(tables.name(), "several processes that start at the same time");
}

Tenure::Tenure(std::string settings, const Tables& tables, const Pace& pace, uint64_t epoch)
    : settings_(std::move(settings)),
      tables_(tables),
      pace_(pace),
      epoch_(epoch),
      fresh_until_(Now() + pace.stale_micros),
      thread_([this] { Run(); }) {}

Tenure::~Tenure() {
  {
    base::MutexLock lock(mutex_);
    closing_ = true;
    wake_.NotifyAll();
  }
  thread_.join();
}

absl::Status Tenure::Check() const {
  if (lost_) {
    base::MutexLock lock(mutex_);
    return why_lost_;
  }
  if (Now() <= fresh_until_) return absl::OkStatus();
  return SqlErrors::Away(tables_.name(), "it has not been heard of for some seconds");
}

void Tenure::Lose(const absl::Status& why) {
  base::MutexLock lock(mutex_);
  if (!why_lost_.ok()) return;
  why_lost_ = why;
  lost_ = true;
  base::Log(base::LogLevel::kError, "store_lost",
            {{"store", tables_.name()}, {"reason", base::ReasonOf(why)}});
}

void Tenure::Run() {
  std::unique_ptr<Connection> connection;
  bool away = false;
  for (bool closing = false; !closing && !lost_;) {
    const absl::Status beat = BeatOnce(connection);
    if (away == beat.ok()) {
      away = !away;
      base::Log(base::LogLevel::kWarning, away ? "store_away" : "store_back", {{"store", tables_.name()}});
    }
    base::MutexLock lock(mutex_);
    if (!closing_) wake_.WaitForMicros(lock, pace_.beat_micros);
    closing = closing_;
  }
  // Whoever comes next need not look whether this process still lives.
  for (int attempt = 0; attempt < kLeaveAttempts && !lost_; ++attempt) {
    if (BeatOnce(connection).ok() && tables_.Leave(*connection, epoch_).ok()) break;
    std::this_thread::sleep_for(std::chrono::microseconds(kLeavePauseMicros));
  }
}

absl::Status Tenure::BeatOnce(std::unique_ptr<Connection>& connection) {
  const int64_t began = Now();
  if (connection == nullptr || connection->broken()) {
    connection = nullptr;
    PHAROS_ASSIGN_OR_RETURN(connection, Connection::Open(settings_, tables_.name()));
  }
  PHAROS_ASSIGN_OR_RETURN(const bool ours, tables_.Beat(*connection, epoch_));
  if (ours) {
    fresh_until_ = began + pace_.stale_micros;
  } else {
    Lose(SqlErrors::Fenced(tables_.name()));
  }
  return absl::OkStatus();
}

}  // namespace pharos::storage::sql
