#include "services/edge/console/areas.h"

namespace pharos::edge::console {

void AddOperationPages(Routes& routes) {}

}  // namespace pharos::edge::console
