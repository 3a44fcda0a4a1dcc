// The campaign store: its tables and keys. Values are records of pharos/record/v1/campaign.proto in an
// envelope.
#pragma once

#include <cstdint>

namespace pharos::campaign {

inline constexpr uint32_t kFormat = 1;

enum Table : uint8_t {
  kTemplate = 1,         // String(template id) → TemplateRow, newest version
  kTemplateVersion = 2,  // String(template id) U64(version) → TemplateRow
  kCampaign = 3,         // String(campaign id) → CampaignRow
  kNewestCampaign = 4,   // U64(~create time in µs) String(campaign id) → empty; newest first
  kActiveCampaign = 5,   // String(campaign id) → empty; those that the launch loop still has to look after
};

}  // namespace pharos::campaign
