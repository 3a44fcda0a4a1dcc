// Errors of the dispatch service.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace pharos::dispatch {

struct DispatchErrors {
  static absl::Status Halted();
  static absl::Status IntentNotFound();
  static absl::Status StepUnknown(std::string_view step);
  static absl::Status StepDiffers(std::string_view step);
  static absl::Status ContentDigestWrong();
  static absl::Status CampaignHalted(std::string_view campaign);
  static absl::Status PageTokenWrong();
  static absl::Status HelloMissing();
  static absl::Status AccessAway();
  static absl::Status ApprovalForged(std::string_view step);
  static absl::Status MembersNotApproved(int page);
  static absl::Status ChannelHasNoText();
  static absl::Status ModeChanged();
  static absl::Status LinkUnknown();
  static absl::Status TooManyReplies();
  static absl::Status NotAcknowledgedYet();
  static absl::Status ConnectorUnknown(std::string_view connector);
  static absl::Status LiveRouteInTrial(std::string_view connector);
};

}  // namespace pharos::dispatch
