// The call that streams a campaign's live numbers.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "ops/cli/client.h"
#include "pharos/engagement/v1/engagement_service.pb.h"

namespace pharos::cli {

// Follows until the server ends the stream, or `over` (asked about twenty times a second, on another thread)
// says so: then OK.
absl::Status FollowCounters(Client& client, const std::string& campaign,
                            const std::function<void(const engagement::v1::Counters&)>& on_counters,
                            const std::function<bool()>& over);

}  // namespace pharos::cli
