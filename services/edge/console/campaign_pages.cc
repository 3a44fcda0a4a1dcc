#include "services/edge/console/areas.h"

namespace pharos::edge::console {

void AddCampaignPages(Routes& routes) {}

}  // namespace pharos::edge::console
