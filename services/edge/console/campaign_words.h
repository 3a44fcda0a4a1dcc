// Campaigns in words, for every page that shows one.
#pragma once

#include <string>

#include "pharos/campaign/v1/campaign_service.pb.h"

namespace pharos::edge::console {

// What its author calls it, else its id.
std::string NameForPeople(const campaign::v1::Campaign& campaign);
// "Being sent".
std::string StateInWords(campaign::v1::CampaignState state);
// Of a GOV.UK tag: "blue".
std::string StateColour(campaign::v1::CampaignState state);

}  // namespace pharos::edge::console
