#include "services/edge/console/areas.h"

namespace pharos::edge::console {

void AddAudiencePages(Routes& routes) {}

}  // namespace pharos::edge::console
