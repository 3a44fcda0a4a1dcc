// What every answer begins with: filters checked, purposes known, an index that is fresh enough, and one
// moment of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/audience/feed_client.h"
#include "services/audience/filter_check.h"
#include "services/audience/people_index.h"
#include "services/gate/gate.h"

namespace pharos::audience {

// As asked.
struct Asking {
  std::string filter;
  std::vector<std::string> measures;  // further filters
  std::string purpose;                // "purposes/…"; empty: nobody is judged
  std::vector<type::v1::Channel> channels;
  uint64_t min_position = 0;  // 0: as fresh as the last commit when the call came
};
// Checked.
struct Asked {
  Predicate predicate;
  std::vector<Predicate> measures;
  std::optional<JudgeQuestion> judge;
  uint64_t position = 0;  // to be seen at least
};

// INVALID_ARGUMENT: FILTER_WRONG, CHANNELS_MISSING, CHANNEL_UNKNOWN, CHANNEL_REPEATED. NOT_FOUND:
// PURPOSE_NOT_FOUND, also for a purpose that a filter names. FAILED_PRECONDITION: PURPOSE_RETIRED.
absl::StatusOr<Asked> CheckAsking(const Asking& asking, const AskFreshness& ask, int64_t micros);

// Waits until the index has seen `position`, at most `micros`, then reads one moment of it. UNAVAILABLE:
// AUDIENCE_LOADING, AUDIENCE_BEHIND. `read` does no I/O.
absl::Status ReadAt(const PeopleIndex& index, uint64_t position, int64_t now_us, int64_t micros,
                    const std::function<absl::Status(const PeopleIndex::Reader&)>& read);

}  // namespace pharos::audience
