#include "services/dispatch/errors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/base/errors.h"

namespace pharos::dispatch {

using base::MakeError;

absl::Status DispatchErrors::Halted() {
  return MakeError(absl::StatusCode::kUnavailable, "DISPATCH_HALTED",
                   "Dispatch has stopped, or its store cannot be written. Nothing is sent meanwhile. Free "
                   "disk space or mend the "
                   "disk, then restart pharosd; the log says which error it was (dispatch.halted).");
}
absl::Status DispatchErrors::IntentNotFound() {
  return MakeError(absl::StatusCode::kNotFound, "INTENT_NOT_FOUND",
                   "There is no such intent. Names are campaigns/{campaign}/intents/{step}-{person}; list "
                   "them with ListIntents.");
}
absl::Status DispatchErrors::StepUnknown(std::string_view step) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "STEP_UNKNOWN",
      fmt::format("Step {} of this campaign has not been declared. Call DeclareStep first.", step));
}
absl::Status DispatchErrors::StepDiffers(std::string_view step) {
  return MakeError(
      absl::StatusCode::kAborted, "STEP_DIFFERS",
      fmt::format("Step {} stands already with other content. A declared step cannot change: use a new step.",
                  step));
}
absl::Status DispatchErrors::ContentDigestWrong() {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "CONTENT_DIGEST_WRONG",
      "The content is not what its digest says. Send the text that was approved, with its own SHA-256.");
}
absl::Status DispatchErrors::CampaignHalted(std::string_view campaign) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "CAMPAIGN_HALTED",
                   fmt::format("{} was stopped, which is final. Make a new campaign.", campaign));
}
absl::Status DispatchErrors::SteeringOvertaken(std::string_view campaign) {
  return MakeError(
      absl::StatusCode::kAborted, "STEERING_OVERTAKEN",
      fmt::format("Dispatch follows a newer word about {}. Say again what it may do, as it stands "
                  "now.",
                  campaign));
}
absl::Status DispatchErrors::PageTokenWrong() {
  return MakeError(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_WRONG",
                   "The page token does not belong to this list. Start again without one.");
}
absl::Status DispatchErrors::HelloMissing() {
  return MakeError(absl::StatusCode::kInvalidArgument, "HELLO_MISSING",
                   "The first message of a connector must be Hello with its name and a life of 16 bytes.");
}
absl::Status DispatchErrors::AccessAway() {
  return MakeError(absl::StatusCode::kUnavailable, "ACCESS_AWAY",
                   "Nothing has been heard of access yet, so no approval can be checked. Try again shortly.");
}
absl::Status DispatchErrors::ApprovalForged(std::string_view step) {
  return MakeError(absl::StatusCode::kPermissionDenied, "APPROVAL_FORGED",
                   fmt::format("The approval does not cover step {} of this campaign with this text, or its "
                               "author approved it alone. Submit the campaign again and have somebody else "
                               "approve it.",
                               step));
}
absl::Status DispatchErrors::MembersNotApproved(int page) {
  return MakeError(absl::StatusCode::kPermissionDenied, "MEMBERS_NOT_APPROVED",
                   fmt::format("Page {} of members is not the one that was approved. Send the page as it was "
                               "pinned, or submit the campaign again.",
                               page));
}
absl::Status DispatchErrors::ChannelHasNoText() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "CHANNEL_HAS_NO_TEXT",
                   "The step has no text for this channel. Add one to the template and submit again.");
}
absl::Status DispatchErrors::LinkUnknown() {
  return MakeError(
      absl::StatusCode::kNotFound, "LINK_UNKNOWN",
      "This link was not made here, or was cut short. Use the link as it stands in the message.");
}
absl::Status DispatchErrors::ChoiceMissing() {
  return MakeError(absl::StatusCode::kInvalidArgument, "CHOICE_MISSING",
                   "Say what was chosen: STOP_PURPOSE, STOP_ALL, PAUSE or RESUME.");
}
absl::Status DispatchErrors::TooManyReplies() {
  return MakeError(absl::StatusCode::kUnavailable, "TOO_MANY_REPLIES",
                   "Too many replies wait for their acknowledgement. Say it again in a few seconds.");
}
absl::Status DispatchErrors::NotAcknowledgedYet() {
  return MakeError(absl::StatusCode::kUnavailable, "NOT_ACKNOWLEDGED_YET",
                   "It is not acknowledged yet, though it may be durable. Say it again in a few seconds.");
}
absl::Status DispatchErrors::ConnectorUnknown(std::string_view connector) {
  return MakeError(
      absl::StatusCode::kNotFound, "CONNECTOR_UNKNOWN",
      fmt::format("No connector {} was ever seen. pharos connector list shows those that were.", connector));
}
absl::Status DispatchErrors::ModeChanged() {
  return MakeError(absl::StatusCode::kUnavailable, "MODE_CHANGED",
                   "The deployment went live or back to trial; connect again to be told which.");
}
absl::Status DispatchErrors::LiveRouteInTrial(std::string_view connector) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "LIVE_ROUTE_IN_TRIAL",
      fmt::format("Connector {} does not speak to a sandbox, and this deployment is in trial "
                  "mode: only sandbox routes "
                  "exist. Start the connector with --sandbox; or go live, which takes two people: "
                  "pharos act propose go-live, and another person confirms it.",
                  connector));
}

absl::Status DispatchErrors::KeysAway() {
  return MakeError(absl::StatusCode::kUnavailable, "ACCESS_AWAY",
                   "The access service, which keeps the data keys, has not been reached. Start it; then try "
                   "again.");
}
absl::Status DispatchErrors::CustomerAway() {
  return MakeError(
      absl::StatusCode::kUnavailable, "CUSTOMER_AWAY",
      "The customer service, which knows who has an address, did not answer in time. Nothing was "
      "accepted; try again in a moment with the same request_id.");
}
absl::Status DispatchErrors::MessageDamaged() {
  return MakeError(absl::StatusCode::kDataLoss, "MESSAGE_DAMAGED",
                   "A message cannot be read; check the disk and restore the newest backup.");
}
absl::Status DispatchErrors::MessageNotFound() {
  return MakeError(absl::StatusCode::kNotFound, "MESSAGE_NOT_FOUND",
                   "There is no such message, or it has been removed: a message is kept for some days after "
                   "its end. List those that are kept with ListMessages.");
}
absl::Status DispatchErrors::ReplyForgotten() {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "REPLY_FORGOTTEN",
      "What this reply says is not kept any more, and a note goes with it. Mark it without a note, or "
      "write down elsewhere what was done.");
}
absl::Status DispatchErrors::CampaignNotStanding(std::string_view campaign) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CAMPAIGN_NOT_STANDING",
      fmt::format("{} is not a STANDING campaign that has been launched. Make one with kind STANDING, have "
                  "somebody else approve it, and launch it.",
                  campaign));
}
absl::Status DispatchErrors::CampaignExpired(std::string_view campaign) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "CAMPAIGN_EXPIRED",
                   fmt::format("The end (not_after) of {} has passed. Make a new campaign.", campaign));
}
absl::Status DispatchErrors::TemplateNotApproved(std::string_view campaign, std::string_view name) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "TEMPLATE_NOT_APPROVED",
      fmt::format("{} is not among the templates that were approved for {}, or has no text for this channel. "
                  "Choose one of them; the campaign shows which they are.",
                  name, campaign));
}
absl::Status DispatchErrors::ChannelNotApproved(std::string_view campaign) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "CHANNEL_NOT_APPROVED",
      fmt::format("{} was not approved for this channel. The campaign shows its channels.", campaign));
}
absl::Status DispatchErrors::PersonalisationMissing(const std::vector<std::string>& names) {
  return MakeError(absl::StatusCode::kInvalidArgument, "PERSONALISATION_MISSING",
                   fmt::format("Missing personalisation: {}. Give a value for each.", fmt::join(names, ", ")),
                   {{"missing", fmt::format("{}", fmt::join(names, ", "))}});
}
absl::Status DispatchErrors::RecipientRefused(std::string_view refused) {
  if (refused == "ADDRESS_WRONG" || refused == "NOT_A_MOBILE") {
    return MakeError(
        absl::StatusCode::kInvalidArgument, refused,
        refused == "ADDRESS_WRONG"
            ? "The address cannot be read. Give a phone number or an email address."
            : "Texts do not reach this number: it is not a British mobile. Give a mobile number.");
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "RECIPIENT_REFUSED",
                   fmt::format("Nothing may be sent to this address ({}). Do not try again.", refused),
                   {{"refused", std::string(refused)}});
}

}  // namespace pharos::dispatch
