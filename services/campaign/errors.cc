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
                   "Send the etag that you read, so that nobody's edit is lost.",
                   {"ETAG_MISSING", {{"name", Str(name)}}, {{"etag", "the etag that was read"}}});
}

absl::Status TemplateEmpty() {
  return MakeError(StatusCode::kInvalidArgument,
                   "Write sms_body, or email_subject and email_body, or all three.",
                   {"TEMPLATE_EMPTY", {}, {{"template.sms_body", "a text, unless there is an email"}}});
}

absl::Status EmailIncomplete() {
  return MakeError(StatusCode::kInvalidArgument, "An email has a subject and a body. Write both, or neither.",
                   {"EMAIL_INCOMPLETE",
                    {},
                    {{"template.email_subject", "together with email_body"},
                     {"template.email_body", "together with email_subject"}}});
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
      fmt::format("Campaigns go by CHANNEL_SMS and CHANNEL_EMAIL; {} cannot be used. Take it out.", channel),
      {"CHANNEL_UNSUPPORTED",
       {{"channel", Str(channel)}},
       {{"campaign.channels", "CHANNEL_SMS and CHANNEL_EMAIL"}}});
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

absl::Status EmailFromWrong() {
  return MakeError(
      StatusCode::kInvalidArgument,
      "A campaign that goes by email needs email_from: a plain ASCII address such as news@phe.example, at "
      "most 64 "
      "characters before the @ and 254 in all.",
      {"EMAIL_FROM_WRONG", {}, {{"campaign.email_from", "an address such as news@phe.example"}}});
}

absl::Status EmailFromNameWrong() {
  return MakeError(StatusCode::kInvalidArgument,
                   "email_from_name is one line of text without control characters.",
                   {"EMAIL_FROM_NAME_WRONG", {}, {{"campaign.email_from_name", "one line of text"}}});
}

absl::Status ScheduleWrong(std::string_view what) {
  return MakeError(
      StatusCode::kInvalidArgument, Str(what),
      {"SCHEDULE_WRONG", {}, {{"campaign.not_after_us", "later than now and than not_before_us, or 0"}}});
}

absl::Status SchedulePassed(std::string_view name) {
  return MakeError(
      StatusCode::kFailedPrecondition, "SCHEDULE_PASSED",
      fmt::format(
          "{} was to end before now: nothing of it would leave. Change not_after_us, then submit it again.",
          name),
      {{"name", Str(name)}});
}

absl::Status RulesWrong(std::string_view field, std::string_view right) {
  const std::string path = fmt::format("campaign.rules.{}", field);
  return MakeError(StatusCode::kInvalidArgument, fmt::format("{} must be {}.", path, right),
                   {"RULES_WRONG", {{"field", path}}, {{path, Str(right)}}});
}

absl::Status DuplicatesNotAllowed(std::string_view name) {
  return MakeError(
      StatusCode::kFailedPrecondition, "DUPLICATES_NOT_ALLOWED",
      fmt::format("{} is marketing, and a message in doubt of it is never sent again. Set rules.in_doubt to "
                  "PREFER_MISS, or choose a purpose of another class.",
                  name),
      {{"name", Str(name)}});
}

absl::Status TemplateLacksChannel(std::string_view name, std::string_view channel) {
  return MakeError(StatusCode::kFailedPrecondition, "TEMPLATE_LACKS_CHANNEL",
                   fmt::format("{} has no text for {}. Write one, or take the channel out of the campaign.",
                               name, channel),
                   {{"name", Str(name)}, {"channel", Str(channel)}});
}

absl::Status AudienceMissing() {
  return MakeError(StatusCode::kInvalidArgument, "AUDIENCE_MISSING",
                   "The campaign names no audience. Say who gets it; or make it a STANDING campaign, whose "
                   "messages are sent one at a time.",
                   {{"field", "campaign.audience"}});
}

absl::Status StandingWrong(std::string_view field, std::string_view why) {
  return MakeError(StatusCode::kInvalidArgument, "STANDING_WRONG",
                   fmt::format("campaign.{} does not go with the campaign's kind: {}.", field, why),
                   {{"field", fmt::format("campaign.{}", field)}});
}

absl::Status TemplateKindWrong(std::string_view name, bool standing) {
  return MakeError(
      StatusCode::kFailedPrecondition, "TEMPLATE_KIND_WRONG",
      standing ? fmt::format("{} takes its placeholders from people's records. A STANDING campaign needs "
                             "templates made with single_messages.",
                             name)
               : fmt::format("{} is for single messages: each message brings its placeholders. Choose "
                             "another template, or make a STANDING campaign.",
                             name),
      {{"name", Str(name)}});
}

absl::Status TemplateKindChanges(std::string_view name) {
  return MakeError(
      StatusCode::kFailedPrecondition, "TEMPLATE_KIND_CHANGES",
      fmt::format("Whether {} is for single messages was settled when it was made. Leave it, or make "
                  "another template.",
                  name),
      {{"name", Str(name)}});
}

absl::Status PurposeRetired(std::string_view purpose) {
  return MakeError(
      StatusCode::kFailedPrecondition, "PURPOSE_RETIRED",
      fmt::format("{} is retired: nothing new is sent for it. Choose a purpose that is in use.", purpose),
      {{"purpose", Str(purpose)}});
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

absl::Status ApprovalUnusable(std::string_view name) {
  return MakeError(
      StatusCode::kInternal, "APPROVAL_UNUSABLE",
      fmt::format(
          "The access service signed something other than {}. Nothing was approved; tell the operator.",
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

absl::Status GoOnUnheard(std::string_view name) {
  return MakeError(
      StatusCode::kUnavailable, "GO_ON_UNHEARD",
      fmt::format(
          "Dispatch did not answer, so {} may still be held. Look at its report, then resume it again.",
          name),
      {{"name", Str(name)}});
}

}  // namespace pharos::campaign::errors
