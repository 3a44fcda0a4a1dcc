// The numbers that an audience is asked for, as they may be told: for the handlers, for asking a kept
// question again, and for remembering after a restart what was told. Thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "services/audience/differencing.h"
#include "services/audience/disclosure.h"
#include "services/audience/feed_client.h"
#include "services/audience/moment.h"
#include "services/audience/people_index.h"
#include "services/base/clock.h"

namespace pharos::audience {

inline constexpr size_t kMostCells = 100'000;  // of a table: some 10 MB of answer

// To whom.
struct Listener {
  const RuleSet* rules = nullptr;      // nullptr: to somebody who may know exact numbers
  DifferencingGuard* guard = nullptr;  // nullptr: without regard to other answers
  std::string principal = {};          // whose other answers
};

class Answers {
 public:
  // `shelf`: of earlier days; nullptr: there are none.
  Answers(const PeopleIndex& index, AskFreshness ask, base::Clock& clock, SnapshotShelf* shelf = nullptr);

  // `request` has a filter, no audience. At most `micros` of waiting. Errors of CheckAsking, ReadAt and
  // MomentOf; RESOURCE_EXHAUSTED QUESTIONS_EXHAUSTED.
  absl::Status Count(const v1::CountAudienceRequest& request, const Listener& listener, int64_t micros,
                     v1::CountAudienceResponse& response) const;
  // INVALID_ARGUMENT besides: DIMENSION_WRONG, EDGES_WRONG, MEASURE_REPEATED, TOO_MANY_CELLS.
  absl::Status BreakDown(const v1::BreakDownAudienceRequest& request, const Listener& listener,
                         int64_t micros, v1::BreakDownAudienceResponse& response) const;

  // Has the guard remember what `answer` told at `told_us`, by the people who match now.
  absl::Status Recall(const v1::CountAudienceRequest& request, const v1::CountAudienceResponse& answer,
                      const Listener& listener, int64_t told_us, int64_t micros) const;
  absl::Status Recall(const v1::BreakDownAudienceRequest& request,
                      const v1::BreakDownAudienceResponse& answer, const Listener& listener, int64_t told_us,
                      int64_t micros) const;

 private:
  // Now, where that day is not kept any more.
  absl::StatusOr<Moment> MomentToRecall(int64_t as_of_us) const;

  const PeopleIndex& index_;
  const AskFreshness ask_;
  base::Clock& clock_;
  SnapshotShelf* const shelf_;
};

// As the API says it.
v1::Figure FigureOf(const Told& told);

}  // namespace pharos::audience
