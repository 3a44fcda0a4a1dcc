#include "services/campaign/errors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "services/base/errors.h"

namespace pharos::campaign::errors {

using absl::StatusCode;
using base::MakeError;

namespace {
std::string Str(std::string_view s) {
  return std::string(s);
}
}  // namespace

absl::Status IdWrong(std::string_view field, std::string_view id) {
  return MakeError(
      StatusCode::kInvalidArgument,
      "The id must be 1 to 63 characters of a-z, 0-9 and '-', and neither begin nor end with '-'.",
      {"ID_WRONG", {{"id", Str(id)}}, {{Str(field), "1 to 63 characters of a-z, 0-9 and '-'"}}});
}

absl::Status PageTokenWrong() {
  return MakeError(StatusCode::kInvalidArgument, "PAGE_TOKEN_WRONG",
                   "page_token is not one that this list gave. Start again without it.");
}

absl::Status EtagMismatch(std::string_view name) {
  return MakeError(StatusCode::kAborted, "ETAG_MISMATCH",
                   fmt::format("{} has been changed since you read it. Read it again, then repeat.", name),
                   {{"name", Str(name)}});
}

absl::Status TemplateExists(std::string_view name) {
  return MakeError(StatusCode::kAlreadyExists, "TEMPLATE_EXISTS",
                   fmt::format("{} exists already. Choose another id, or update it.", name),
                   {{"name", Str(name)}});
}

absl::Status TemplateNotFound(std::string_view name, uint64_t version) {
  return MakeError(StatusCode::kNotFound, "TEMPLATE_NOT_FOUND",
                   version == 0 ? fmt::format("There is no {}. List the templates, or create it first.", name)
                                : fmt::format("{} has no version {}. Leave the version out for the newest.",
                                              name, version),
                   {{"name", Str(name)}});
}

absl::Status EtagMissing(std::string_view name) {
  return MakeError(StatusCode::kInvalidArgument,
                   "Send the etag that you read with the template, so that nobody's edit is lost.",
                   {"ETAG_MISSING", {{"name", Str(name)}}, {{"template.etag", "the etag that was read"}}});
}

absl::Status CampaignExists(std::string_view name) {
  return MakeError(StatusCode::kAlreadyExists, "CAMPAIGN_EXISTS",
                   fmt::format("{} exists already. Choose another id.", name), {{"name", Str(name)}});
}

absl::Status CampaignNotFound(std::string_view name) {
  return MakeError(StatusCode::kNotFound, "CAMPAIGN_NOT_FOUND",
                   fmt::format("There is no {}. List the campaigns.", name), {{"name", Str(name)}});
}

absl::Status CampaignState(std::string_view name, std::string_view verb, std::string_view state,
                           const std::vector<std::string>& allowed) {
  const std::string verbs = allowed.empty() ? "nothing more can be done with it"
                                            : fmt::format("it allows: {}", fmt::join(allowed, ", "));
  return MakeError(
      StatusCode::kFailedPrecondition, "CAMPAIGN_STATE",
      fmt::format("{} is {}: cannot {}; {}.", name, state, verb, verbs),
      {{"name", Str(name)}, {"state", Str(state)}, {"allowed", fmt::format("{}", fmt::join(allowed, ","))}});
}

absl::Status ChannelUnsupported(std::string_view channel) {
  return MakeError(
      StatusCode::kInvalidArgument,
      fmt::format("Campaigns go by CHANNEL_SMS only; {} cannot be used. Take it out.", channel),
      {"CHANNEL_UNSUPPORTED", {{"channel", Str(channel)}}, {{"campaign.channels", "CHANNEL_SMS only"}}});
}

absl::Status ChannelRepeated(std::string_view channel) {
  return MakeError(
      StatusCode::kInvalidArgument, fmt::format("{} is named twice. Name each channel once.", channel),
      {"CHANNEL_REPEATED", {{"channel", Str(channel)}}, {{"campaign.channels", "each channel once"}}});
}

absl::Status SenderWrong() {
  return MakeError(
      StatusCode::kInvalidArgument,
      "sms_sender must be a number of 3 to 15 digits, or up to 11 letters, digits, spaces, '-', '_', '.' or "
      "'&'.",
      {"SENDER_WRONG", {}, {{"campaign.sms_sender", "3 to 15 digits, or up to 11 letters and digits"}}});
}

absl::Status ApproverIsAuthor(std::string_view name) {
  return MakeError(StatusCode::kPermissionDenied, "APPROVER_IS_AUTHOR",
                   fmt::format("You submitted {}; somebody else must approve it.", name),
                   {{"name", Str(name)}});
}

absl::Status DigestMismatch(std::string_view name) {
  return MakeError(StatusCode::kAborted, "DIGEST_MISMATCH",
                   fmt::format("What you approve is not what {} is now. Read it again, look at what changed, "
                               "then approve its digest.",
                               name),
                   {{"name", Str(name)}});
}

absl::Status PeerAway(std::string_view service) {
  return MakeError(StatusCode::kUnavailable, "PEER_AWAY",
                   fmt::format("The {} service is not connected yet. Try again.", service),
                   {{"service", Str(service)}});
}

absl::Status SteeringUnconfirmed(std::string_view name, std::string_view state) {
  return MakeError(
      StatusCode::kUnavailable, "STEERING_UNCONFIRMED",
      fmt::format(
          "{} is {} and stays so, but dispatch has not confirmed it: messages may still leave until it does. "
          "We keep trying; repeat the call to learn when it is done.",
          name, state),
      {{"name", Str(name)}, {"state", Str(state)}});
}

}  // namespace pharos::campaign::errors
