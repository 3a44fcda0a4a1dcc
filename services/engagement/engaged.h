// Events of intents as what happened to people. Pure.
#pragma once

#include <cstddef>

#include "pharos/engagement/internal/v1/feed_service.pb.h"
#include "pharos/type/v1/event.pb.h"

namespace pharos::engagement {

// Appends what `batch`, of `campaign`, says of people, an entry for each event. States that tell of nothing
// that happened to anybody (waiting, given to a connector) are left out. Answers how many people there are.
size_t AddEngaged(const std::string& campaign, const type::v1::EventBatch& batch,
                  internal::v1::FollowEngagementResponse& to);

}  // namespace pharos::engagement
