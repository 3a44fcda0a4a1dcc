// What each principal was told, for the guard against differencing. After a restart it is read from the kept
// questions, for each principal when they first ask; until then they get no statistical answer. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "pharos/record/v1/audience.pb.h"
#include "services/audience/answers.h"
#include "services/audience/differencing.h"
#include "services/audience/query_store.h"
#include "services/base/mutex.h"

namespace pharos::audience {

class ToldMemory {
 public:
  ToldMemory(const Answers& answers, const QueryStore& queries) : answers_(answers), queries_(queries) {}

  // The guard knows what this principal was told. UNAVAILABLE QUESTIONS_LOADING: not within `micros`; the
  // next call goes on from there.
  absl::Status Ready(const std::string& principal, int64_t now_us, int64_t micros);
  DifferencingGuard& guard() { return guard_; }

 private:
  // One principal's. While it is busy only the call that reads uses the other fields.
  struct Progress {
    bool busy = false, done = false;
    std::string after;           // id of the last question read
    std::set<std::string> seen;  // digests of requests: the first answer is in force
  };

  // The principal's progress, for this call to go on with; nullptr: all is read.
  absl::StatusOr<Progress*> Take(const std::string& principal, int64_t micros);
  absl::Status Read(const std::string& principal, int64_t now_us, int64_t micros, Progress& progress);
  absl::Status Recall(const record::v1::QueryRow& row, int64_t micros);

  const Answers& answers_;
  const QueryStore& queries_;
  DifferencingGuard guard_;
  base::Mutex mutex_;
  base::CondVar read_;
  std::map<std::string, Progress> progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::audience
