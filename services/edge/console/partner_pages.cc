#include "services/edge/console/areas.h"

namespace pharos::edge::console {

void AddPartnerPages(Routes& routes) {}

}  // namespace pharos::edge::console
