#include "services/audience/told_memory.h"

#include <chrono>

#include "services/audience/errors.h"
#include "services/audience/query.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::audience {
namespace {

using record::v1::QueryRow;

class Deadline {
 public:
  explicit Deadline(int64_t micros)
      : until_(std::chrono::steady_clock::now() + std::chrono::microseconds(micros)) {}
  int64_t left_us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(until_ - std::chrono::steady_clock::now())
        .count();
  }

 private:
  const std::chrono::steady_clock::time_point until_;
};

}  // namespace

absl::StatusOr<ToldMemory::Progress*> ToldMemory::Take(const std::string& principal, int64_t micros) {
  const Deadline deadline(micros);
  base::MutexLock lock(mutex_);
  Progress& progress = progress_[principal];  // a map: it stays where it is
  while (progress.busy) {
    if (deadline.left_us() <= 0) return AudienceErrors::QuestionsLoading();
    read_.WaitForMicros(lock, deadline.left_us());
  }
  if (progress.done) return nullptr;
  progress.busy = true;
  return &progress;
}

absl::Status ToldMemory::Ready(const std::string& principal, int64_t now_us, int64_t micros) {
  const Deadline deadline(micros);
  PHAROS_ASSIGN_OR_RETURN(Progress* const progress, Take(principal, micros));
  if (progress == nullptr) return absl::OkStatus();
  const absl::Status status = Read(principal, now_us, deadline.left_us(), *progress);
  base::MutexLock lock(mutex_);
  progress->busy = false;
  progress->done = status.ok();
  read_.NotifyAll();
  return status;
}

absl::Status ToldMemory::Read(const std::string& principal, int64_t now_us, int64_t micros,
                              Progress& progress) {
  const Deadline deadline(micros);
  absl::Status status;
  const std::string after = progress.after;
  const auto visit = [&](const QueryRow& row) {
    if (deadline.left_us() <= 0) status = AudienceErrors::QuestionsLoading();
    if (status.ok() && !row.rule_set().empty() && row.refusal().empty()) {
      const std::string question = base::Sha256(row.method() + row.request() + row.filter());
      if (!progress.seen.contains(question)) status = Recall(row, deadline.left_us());
      if (status.ok()) progress.seen.insert(question);
    }
    if (status.ok()) progress.after = base::Segment(row.name(), "queries");
    return status.ok();
  };
  PHAROS_RETURN_IF_ERROR(queries_.Each(principal, now_us - DifferencingGuard::kKeepUs, after, visit));
  if (status.ok()) progress.seen.clear();
  return status;
}

absl::Status ToldMemory::Recall(const QueryRow& row, int64_t micros) {
  const Listener listener{FindRuleSet(row.rule_set()), &guard_, row.principal()};
  if (listener.rules == nullptr) return absl::OkStatus();
  absl::Status status;
  v1::CountAudienceRequest count;
  v1::CountAudienceResponse number;
  v1::BreakDownAudienceRequest table;
  v1::BreakDownAudienceResponse cells;
  if (ReadQuestion(row, "CountAudience", count) && ReadJson(row.answer(), number)) {
    count.clear_purpose();  // may have been retired since; nobody was judged
    count.clear_channels();
    status = answers_.Recall(count, number, listener, row.ask_time_us(), micros);
  } else if (ReadQuestion(row, "BreakDownAudience", table)) {
    // An answer too long to be kept is remembered as it would be told now.
    const bool kept = !row.answer().empty() && ReadJson(row.answer(), cells);
    status = kept ? answers_.Recall(table, cells, listener, row.ask_time_us(), micros)
                  : answers_.BreakDown(table, listener, micros, cells);
  }
  // What cannot be asked any more (a field or a purpose is gone) cannot be asked to compare with either.
  if (absl::IsUnavailable(status) || absl::IsCancelled(status)) return status;
  return absl::OkStatus();
}

}  // namespace pharos::audience
