// The life of a campaign: one table of transitions. Nothing else decides a state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/campaign/v1/campaign_service.pb.h"

namespace pharos::campaign {

enum class Verb { kSubmit, kApprove, kReject, kLaunch, kPause, kResume, kStop, kFinish, kUpdate };

std::string_view VerbName(Verb verb);

// The state after a verb. FAILED_PRECONDITION (CAMPAIGN_STATE) names the state and the verbs that it allows.
absl::StatusOr<v1::CampaignState> Next(std::string_view name, v1::CampaignState state, Verb verb);
bool Allows(v1::CampaignState state, Verb verb);
// Verbs that a person may use now, in the table's order; `finish` is the service's own.
std::vector<std::string> AllowedVerbs(v1::CampaignState state);

}  // namespace pharos::campaign
