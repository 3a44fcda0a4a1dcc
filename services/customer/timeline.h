// One history of a person across audiences: what sources told us and when, how records came and went, what
// was agreed, stated, decided. Nothing here is kept for the timeline alone: it is read from what is there
// anyway. Texts hold no personal data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/person_service.pb.h"
#include "services/customer/person_history.h"
#include "services/customer/person_store.h"

namespace pharos::customer {

// Everything of the person up to `time`, in no order. `person` is as it was then; `current` as it is.
absl::StatusOr<std::vector<v1::TimelineEvent>> TimelineOf(const storage::View& view,
                                                          const PersonStore& people, const PersonThen& person,
                                                          const record::v1::PersonRow& current, int64_t time);
inline constexpr size_t kMostTimelineEvents =
    20'000;  // RESOURCE_EXHAUSTED (TIMELINE_TOO_LONG) past it: some 10 MB

// Newest first, by when we learnt it; of one moment in a fixed order. Pure.
void SortTimeline(std::vector<v1::TimelineEvent>& events);
// What the request asks for. Pure.
bool IsWanted(const v1::TimelineEvent& event, const v1::ListTimelineRequest& request);

// A page of a list that grows at its front: the token fixes the time as of which it is read. Bound to the
// query.
struct TimelinePlace {
  int64_t time = 0;
  size_t skip = 0;
};
std::string TimelineToken(const v1::ListTimelineRequest& request, const TimelinePlace& place);
// INVALID_ARGUMENT PAGE_TOKEN_WRONG.
absl::StatusOr<TimelinePlace> ReadTimelineToken(const v1::ListTimelineRequest& request);

}  // namespace pharos::customer
