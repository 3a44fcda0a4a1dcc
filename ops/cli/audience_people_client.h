// The calls that stream the people of an audience.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "ops/cli/client.h"
#include "pharos/audience/v1/audience_service.pb.h"

namespace pharos::cli {

// Until the stream ends, or `take` says that it cannot go on (its status then).
absl::Status StreamPeople(
    Client& client, const audience::v1::StreamAudienceRequest& request,
    const std::function<absl::Status(const audience::v1::StreamAudienceResponse&)>& take);
absl::Status StreamExport(
    Client& client, const audience::v1::ExportAudienceRequest& request,
    const std::function<absl::Status(const audience::v1::ExportAudienceResponse&)>& take);

}  // namespace pharos::cli
