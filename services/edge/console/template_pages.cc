#include "services/edge/console/areas.h"

namespace pharos::edge::console {

void AddTemplatePages(Routes& routes) {}

}  // namespace pharos::edge::console
