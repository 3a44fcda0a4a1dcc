#include "services/edge/console/campaign_words.h"

#include "services/base/ids.h"

namespace pharos::edge::console {

namespace v1 = campaign::v1;

std::string NameForPeople(const v1::Campaign& campaign) {
  return campaign.display_name().empty() ? base::Segment(campaign.name(), "campaigns") : campaign.display_name();
}

std::string StateInWords(v1::CampaignState state) {
  switch (state) {
    case v1::DRAFT:
      return "Draft";
    case v1::IN_REVIEW:
      return "Waiting for approval";
    case v1::APPROVED:
      return "Approved";
    case v1::RUNNING:
      return "Being sent";
    case v1::PAUSED:
      return "Paused";
    case v1::STOPPED:
      return "Stopped";
    case v1::FINISHED:
      return "Finished";
    default:
      return "Not known";
  }
}

std::string StateColour(v1::CampaignState state) {
  switch (state) {
    case v1::DRAFT:
      return "grey";
    case v1::IN_REVIEW:
    case v1::PAUSED:
      return "yellow";
    case v1::APPROVED:
    case v1::RUNNING:
      return "blue";
    case v1::STOPPED:
      return "red";
    default:
      return "green";
  }
}

}  // namespace pharos::edge::console
