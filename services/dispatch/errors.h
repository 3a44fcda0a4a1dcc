// Errors of the dispatch service.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace pharos::dispatch {

struct DispatchErrors {
  static absl::Status Halted();
  static absl::Status IntentNotFound();
  static absl::Status StepUnknown(std::string_view step);
  static absl::Status StepDiffers(std::string_view step);
  static absl::Status ContentDigestWrong();
  static absl::Status CampaignHalted(std::string_view campaign);
  static absl::Status SteeringOvertaken(std::string_view campaign);
  static absl::Status PageTokenWrong();
  static absl::Status HelloMissing();
  static absl::Status AccessAway();
  static absl::Status ApprovalForged(std::string_view step);
  static absl::Status MembersNotApproved(int page);
  static absl::Status ChannelHasNoText();
  static absl::Status ModeChanged();
  static absl::Status LinkUnknown();
  static absl::Status ChoiceMissing();
  static absl::Status TooManyReplies();
  static absl::Status NotAcknowledgedYet();
  static absl::Status ConnectorUnknown(std::string_view connector);
  static absl::Status LiveRouteInTrial(std::string_view connector);
  // Single messages.
  static absl::Status KeysAway();
  static absl::Status CustomerAway();
  static absl::Status MessageDamaged();
  static absl::Status MessageNotFound();
  static absl::Status CampaignNotStanding(std::string_view campaign);
  static absl::Status CampaignExpired(std::string_view campaign);
  static absl::Status TemplateNotApproved(std::string_view campaign, std::string_view name);
  static absl::Status ChannelNotApproved(std::string_view campaign);
  static absl::Status PersonalisationMissing(const std::vector<std::string>& names);
  // The inbox.
  static absl::Status ReplyForgotten();
  // `refused` as in customer's Recipient.
  static absl::Status RecipientRefused(std::string_view refused);
};

}  // namespace pharos::dispatch
