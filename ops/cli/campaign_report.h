// The report of a campaign, once or until it has finished.
#pragma once

#include "absl/status/status.h"
#include "ops/cli/command.h"
#include "pharos/campaign/v1/campaign_service.pb.h"

namespace pharos::cli {

absl::Status ReportCampaign(Context& c);
absl::Status WatchCampaign(Context& c);

}  // namespace pharos::cli
