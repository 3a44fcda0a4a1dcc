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

// Templates.
absl::Status TemplateExists(std::string_view name);                          // TEMPLATE_EXISTS
absl::Status TemplateNotFound(std::string_view name, uint64_t version = 0);  // TEMPLATE_NOT_FOUND
absl::Status EtagMissing(std::string_view name);                             // ETAG_MISSING

// Campaigns.
absl::Status CampaignExists(std::string_view name);    // CAMPAIGN_EXISTS
absl::Status CampaignNotFound(std::string_view name);  // CAMPAIGN_NOT_FOUND
absl::Status CampaignState(std::string_view name, std::string_view verb, std::string_view state,
                           const std::vector<std::string>& allowed);  // CAMPAIGN_STATE
absl::Status ChannelUnsupported(std::string_view channel);            // CHANNEL_UNSUPPORTED
absl::Status ChannelRepeated(std::string_view channel);               // CHANNEL_REPEATED
absl::Status SenderWrong();                                           // SENDER_WRONG
absl::Status ApproverIsAuthor(std::string_view name);                 // APPROVER_IS_AUTHOR
absl::Status DigestMismatch(std::string_view name);                   // DIGEST_MISMATCH

// Other services.
absl::Status PeerAway(std::string_view service);  // PEER_AWAY
// A verb that is committed but that dispatch has not confirmed; the service keeps trying.
absl::Status SteeringUnconfirmed(std::string_view name, std::string_view state);  // STEERING_UNCONFIRMED

}  // namespace pharos::campaign::errors
