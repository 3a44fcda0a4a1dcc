// The campaign service's errors, by name. Reasons are stable; messages say what to do next.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace pharos::campaign::errors {

// Ids and names.
absl::Status IdWrong(std::string_view field, std::string_view id);  // ID_WRONG
absl::Status PageTokenWrong();                                      // PAGE_TOKEN_WRONG
absl::Status EtagMismatch(std::string_view name);                   // ETAG_MISMATCH
absl::Status EtagMissing(std::string_view name);                    // ETAG_MISSING

// Templates.
absl::Status TemplateExists(std::string_view name);                          // TEMPLATE_EXISTS
absl::Status TemplateNotFound(std::string_view name, uint64_t version = 0);  // TEMPLATE_NOT_FOUND
absl::Status TemplateEmpty();                                                // TEMPLATE_EMPTY
absl::Status EmailIncomplete();                                              // EMAIL_INCOMPLETE

// Campaigns.
absl::Status CampaignExists(std::string_view name);    // CAMPAIGN_EXISTS
absl::Status CampaignNotFound(std::string_view name);  // CAMPAIGN_NOT_FOUND
absl::Status CampaignState(std::string_view name, std::string_view verb, std::string_view state,
                           const std::vector<std::string>& allowed);  // CAMPAIGN_STATE
absl::Status ChannelUnsupported(std::string_view channel);            // CHANNEL_UNSUPPORTED
absl::Status ChannelRepeated(std::string_view channel);               // CHANNEL_REPEATED
absl::Status SenderWrong();                                           // SENDER_WRONG
absl::Status EmailFromWrong();                                        // EMAIL_FROM_WRONG
absl::Status EmailFromNameWrong();                                    // EMAIL_FROM_NAME_WRONG
absl::Status ScheduleWrong(std::string_view what);                    // SCHEDULE_WRONG
absl::Status SchedulePassed(std::string_view name);                   // SCHEDULE_PASSED
// The template has no text for a channel of the campaign.
absl::Status TemplateLacksChannel(std::string_view name, std::string_view channel);  // TEMPLATE_LACKS_CHANNEL
absl::Status AudienceMissing();                                                      // AUDIENCE_MISSING
// A field that does not go with the campaign's kind; `why` says why.
absl::Status StandingWrong(std::string_view field, std::string_view why);  // STANDING_WRONG
absl::Status TemplateKindWrong(std::string_view name, bool standing);      // TEMPLATE_KIND_WRONG
absl::Status TemplateKindChanges(std::string_view name);                   // TEMPLATE_KIND_CHANGES
absl::Status PurposeRetired(std::string_view purpose);                     // PURPOSE_RETIRED
absl::Status ApproverIsAuthor(std::string_view name);                      // APPROVER_IS_AUTHOR
absl::Status DigestMismatch(std::string_view name);                        // DIGEST_MISMATCH

absl::Status RulesWrong(std::string_view field, std::string_view right);  // RULES_WRONG
// Marketing is never sent at the risk of a duplicate.
absl::Status DuplicatesNotAllowed(std::string_view name);  // DUPLICATES_NOT_ALLOWED

// Other services.
absl::Status ApprovalUnusable(std::string_view name);  // APPROVAL_UNUSABLE: access signed something else
absl::Status PeerAway(std::string_view service);       // PEER_AWAY
// A verb that is committed but that dispatch has not confirmed; the service keeps trying.
absl::Status SteeringUnconfirmed(std::string_view name, std::string_view state);  // STEERING_UNCONFIRMED
// A decision to go on that dispatch may not have heard; nobody repeats it.
absl::Status GoOnUnheard(std::string_view name);  // GO_ON_UNHEARD

}  // namespace pharos::campaign::errors
