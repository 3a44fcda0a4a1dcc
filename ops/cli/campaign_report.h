// The report of a campaign, its live numbers until it has finished, and the events behind them.
#pragma once

#include "absl/status/status.h"
#include "ops/cli/command.h"
#include "pharos/campaign/v1/campaign_service.pb.h"

namespace pharos::cli {

absl::Status ReportCampaign(Context& c);
absl::Status WatchCampaign(Context& c);
absl::Status ListEvents(Context& c);

}  // namespace pharos::cli
