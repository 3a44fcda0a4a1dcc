// The streams between a partner and Pharos: a feed that goes up, and two that come down.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "ops/cli/client.h"
#include "pharos/customer/v1/sync_service.pb.h"

namespace pharos::cli {

// Sends what `next` gives (nullopt: that was all) and tells each result, in order. Returns when all is
// answered, or why not.
absl::Status SyncItems(Client& client, const customer::v1::SyncHeader& header,
                       const std::function<std::optional<customer::v1::SyncItem>()>& next,
                       const std::function<void(const customer::v1::SyncResult&)>& on_result);

// Follow until the server ends the stream, or for `seconds` (then OK; 0: as long as streams live, an hour).
absl::Status FollowChanges(Client& client, const customer::v1::FollowChangesRequest& request, double seconds,
                           const std::function<void(const customer::v1::FollowChangesResponse&)>& on_message);
absl::Status FollowConsents(
    Client& client, const customer::v1::FollowConsentsRequest& request, double seconds,
    const std::function<void(const customer::v1::FollowConsentsResponse&)>& on_message);

}  // namespace pharos::cli
