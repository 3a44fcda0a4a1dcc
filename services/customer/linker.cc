#include "services/customer/linker.h"

#include <algorithm>
#include <unordered_set>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/customer/errors.h"
#include "services/customer/linker_parts.h"

namespace pharos::customer {

namespace {

constexpr std::string_view kOnlyChecked = "only checked";

// Ends the transaction of a dry run.
absl::Status OnlyChecked() {
  return absl::CancelledError(base::ToAbsl(kOnlyChecked));
}
bool IsOnlyChecked(const absl::Status& status) {
  return status.code() == absl::StatusCode::kCancelled && base::FromAbsl(status.message()) == kOnlyChecked;
}

RecordOutcome OutcomeOf(const Prepared& change) {
  switch (change.effect) {
    case Effect::kNothing:
      return RecordOutcome::kUnchanged;
    case Effect::kRefused:
      return RecordOutcome::kRefused;
    case Effect::kDelete:
    case Effect::kErase:
      return RecordOutcome::kDeleted;
    default:
      return RecordOutcome::kStored;
  }
}

}  // namespace

std::unique_ptr<Linker> Linker::Make(storage::Store& store, const PersonStore& people, base::Clock& clock,
                                     LinkerOptions options) {
  return std::make_unique<LinkerParts>(store, people, clock, std::move(options));
}

LinkerParts::LinkerParts(storage::Store& store, const PersonStore& people, base::Clock& clock,
                         LinkerOptions options)
    : store_(store), people_(people), clock_(clock), options_(std::move(options)) {}

LinkerParts::~LinkerParts() {
  Stop();
}

int64_t LinkerParts::Now(size_t changes) {
  const int64_t now = std::max({clock_.WallMicros(), last_now_ + 1, registry_->last_arrival() + 1});
  last_now_ = now + static_cast<int64_t>(changes);
  return now;
}

absl::Status LinkerParts::Read(
    absl::FunctionRef<absl::Status(const identity::LinkIndex&, const RecordNames&)> look) const {
  PHAROS_RETURN_IF_ERROR(AwaitLoaded());
  const Lane::Turn turn(lane_);
  return look(*index_, *registry_);
}

absl::StatusOr<std::vector<RecordResult>> LinkerParts::Apply(std::vector<RecordChange> changes,
                                                             const ChangeMaker& change,
                                                             const ApplyOptions& options) {
  PHAROS_ASSIGN_OR_RETURN(const std::shared_ptr<Coming> coming, Begin(std::move(changes), change, options));
  return Await(*coming);
}

absl::StatusOr<std::shared_ptr<Linker::Coming>> LinkerParts::Begin(std::vector<RecordChange> changes,
                                                                   ChangeMaker change, ApplyOptions options) {
  const auto job = std::make_shared<Job>();
  job->by = std::move(change);
  job->options = std::move(options);
  absl::Status status = MakeReady(std::move(changes), *job);
  if (status.ok()) status = Enqueue(job);
  if (status.ok()) return job;
  base::MutexLock lock(mutex_);
  if (Line* line = job->options.line; line != nullptr && line->failed_.ok()) line->failed_ = status;
  return status;
}

absl::StatusOr<std::vector<RecordResult>> LinkerParts::Await(Coming& coming) {
  Job& job = static_cast<Job&>(coming);
  while (!job.done) {
    const Lane::Turn turn(lane_, job.done);
    if (turn.held() && !job.done) RunOne();  // else somebody before us took ours with theirs
  }
  PHAROS_RETURN_IF_ERROR(job.status);
  return std::move(job.results);
}

absl::Status LinkerParts::MakeReady(std::vector<RecordChange> changes, Job& job) {
  PHAROS_RETURN_IF_ERROR(AwaitLoaded());
  job.results.resize(changes.size());
  job.changes.resize(changes.size());
  {
    base::MutexLock lock(mutex_);
    job.model = model_;
  }
  for (size_t at = 0; at < changes.size(); ++at) {
    const auto id = ParseRecordName(changes[at].row.name());
    if (!id) return errors::RecordNameWrong();
    job.changes[at].id = *id;
    job.changes[at].change = std::move(changes[at]);
    job.changes[at].order_key = OrderKeyOf(job.changes[at].change.row.name());
  }
  const Preparation preparation(store_, people_, *registry_, job.model);
  return preparation.Prepare(job.changes, clock_.WallMicros());
}

// A job without changes still has what is to be written with it.
absl::Status LinkerParts::Enqueue(std::shared_ptr<Job> job) {
  base::MutexLock lock(mutex_);
  while (waiting_ > 0 && waiting_ + job->changes.size() > kMostWaiting) changed_.Wait(lock);
  if (job->options.line != nullptr) PHAROS_RETURN_IF_ERROR(job->options.line->failed_);
  waiting_ += job->changes.size();
  queue_.push_back(std::move(job));
  return absl::OkStatus();
}

// Something of it has failed: so does what still waits in it, which all stands behind.
void LinkerParts::BreakLine(Line* line, const absl::Status& status) {
  if (line == nullptr) return;
  if (line->failed_.ok()) line->failed_ = status;
  for (auto at = queue_.begin(); at != queue_.end();) {
    const std::shared_ptr<Job> job = *at;
    if (job->options.line != line) {
      ++at;
      continue;
    }
    waiting_ -= job->changes.size() - job->next;
    job->status = status;
    job->done = true;
    at = queue_.erase(at);
  }
}

// What one transaction takes: each record once, as its next change has to see this one; a dry run by itself.
// What has to wait for the next one keeps its line waiting, and nobody else.
std::vector<LinkerParts::Slice> LinkerParts::TakeSlices() {
  base::MutexLock lock(mutex_);
  std::vector<Slice> slices;
  std::unordered_set<std::string_view> names;
  std::unordered_set<const Line*> held_up;
  size_t most = kMostInBatch;
  for (const auto& job : queue_) {
    if (!slices.empty() && (job->options.dry_run || slices.front().job->options.dry_run)) break;
    if (job->options.line != nullptr && held_up.contains(job->options.line)) continue;
    if (job->options.bulk) most = kMostInBulkBatch;
    Slice slice{job, job->next, job->next};
    while (slice.end < job->changes.size() && names.size() < most &&
           names.insert(job->changes[slice.end].change.row.name()).second) {
      ++slice.end;
    }
    if (slice.end > slice.begin || job->changes.empty()) slices.push_back(slice);
    if (names.size() >= most) break;
    if (slice.end < job->changes.size()) held_up.insert(job->options.line);
  }
  return slices;
}

void LinkerParts::RunOne() {
  const std::vector<Slice> slices = TakeSlices();
  if (slices.empty()) return;
  Finish(slices, RunSlices(slices));
}

void LinkerParts::Finish(const std::vector<Slice>& slices, const absl::Status& status) {
  base::MutexLock lock(mutex_);
  for (const auto& slice : slices) {
    Job& job = *slice.job;
    job.next = status.ok() ? slice.end : job.changes.size();
    job.status = status;
    waiting_ -= job.next - slice.begin;
    if (job.next == job.changes.size()) std::erase(queue_, slice.job);
  }
  for (const auto& slice : slices) {
    if (!status.ok()) BreakLine(slice.job->options.line, status);
  }
  // At last: from then on their callers may be gone.
  for (const auto& slice : slices) slice.job->done = slice.job->next == slice.job->changes.size();
  changed_.NotifyAll();
}

// What was prepared holds unless the record has changed since, or the model.
absl::Status LinkerParts::BringUpToDate(const std::vector<Slice>& slices) {
  std::shared_ptr<const identity::Model> model;
  {
    base::MutexLock lock(mutex_);
    model = model_;
  }
  const Preparation preparation(store_, people_, *registry_, model);
  for (const auto& slice : slices) {
    for (size_t at = slice.begin; at < slice.end; ++at) {
      Prepared& change = slice.job->changes[at];
      const Registry::Standing now = registry_->StandingOf(change.change.row.name());
      if (now.stamp == change.against.stamp && now.state == change.against.state && slice.job->model == model)
        continue;
      PHAROS_RETURN_IF_ERROR(preparation.Again(change, clock_.WallMicros()));
    }
  }
  return absl::OkStatus();
}

absl::Status LinkerParts::RunSlices(const std::vector<Slice>& slices) {
  if (differs_) PHAROS_RETURN_IF_ERROR(Reconcile(slices.front().job->by));
  PHAROS_RETURN_IF_ERROR(BringUpToDate(slices));
  size_t count = 0;
  for (const auto& slice : slices) count += slice.end - slice.begin;
  Batch batch(people_, *registry_, *index_, slices.front().job->by, Now(count));
  for (const auto& slice : slices) {
    for (size_t at = slice.begin; at < slice.end; ++at) batch.Add(slice.job->changes[at], slice.job->by);
  }
  batch.Settle(options_.threads);
  const bool dry_run = slices.front().job->options.dry_run;
  absl::Status status = PrefetchKeys(batch);
  if (status.ok()) status = Commit(batch, slices, dry_run);
  const bool stored = status.ok() && !dry_run;
  if (status.ok() || IsOnlyChecked(status)) Answer(batch, slices, false);
  if (!stored) {
    batch.Undo();
  } else {
    batch.Keep();
    if (batch.erases()) DropSaved();  // it holds what they said
    Answer(batch, slices, true);
    changed_since_saved_ += count;
  }
  if (IsOnlyChecked(status)) return absl::OkStatus();
  if (base::ReasonOf(status) != "STORE_TRANSACTION_TOO_LARGE" || count < 2) return status;
  // An address that very many share makes a transaction large; fewer at a time then.
  for (const auto& slice : slices) {
    const size_t middle = slice.begin + (slice.end - slice.begin + 1) / 2;
    if (slice.begin < middle) PHAROS_RETURN_IF_ERROR(RunSlices({{slice.job, slice.begin, middle}}));
    if (middle < slice.end) PHAROS_RETURN_IF_ERROR(RunSlices({{slice.job, middle, slice.end}}));
  }
  return absl::OkStatus();
}

// Round trips to access have no place inside a transaction.
absl::Status LinkerParts::PrefetchKeys(const Batch& batch) const {
  if (!people_.rows().seals()) return absl::OkStatus();
  const std::vector<std::string> names = batch.RecordsToOpen();
  if (names.empty()) return absl::OkStatus();
  std::vector<record::v1::RecordRow> rows;
  rows.reserve(names.size());
  const std::unique_ptr<storage::View> view = store_.Read();
  for (const auto& name : names) {
    PHAROS_ASSIGN_OR_RETURN(std::optional<record::v1::RecordRow> row, people_.LoadRecord(*view, name));
    if (row) rows.push_back(*std::move(row));
  }
  return people_.rows().Prefetch(rows);
}

absl::Status LinkerParts::Commit(Batch& batch, const std::vector<Slice>& slices, bool dry_run) {
  const auto with = [&](storage::Transaction& tx) {
    for (const auto& slice : slices) {
      const auto& more = slice.job->options.with;
      if (more && slice.end == slice.job->changes.size()) more(tx);
    }
    return dry_run ? OnlyChecked() : absl::OkStatus();
  };
  return Commit(batch, with);
}

absl::Status LinkerParts::Commit(Batch& batch, const InTransaction& more) {
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    if (!batch.empty()) PHAROS_RETURN_IF_ERROR(batch.Write(tx));
    return more ? more(tx) : absl::OkStatus();
  });
}

void LinkerParts::Answer(const Batch& batch, const std::vector<Slice>& slices, bool stored) {
  for (const auto& slice : slices) {
    for (size_t at = slice.begin; at < slice.end; ++at) {
      const Prepared& change = slice.job->changes[at];
      RecordResult& result = slice.job->results[at];
      result.outcome = OutcomeOf(change);
      result.status = change.refused;
      result.stricter = batch.stricter();
      result.person =
          result.outcome == RecordOutcome::kRefused ? "" : batch.PersonOf(change.change.row.name(), stored);
    }
  }
}

}  // namespace pharos::customer
