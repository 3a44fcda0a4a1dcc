// Pages about those who bring contacts.
#pragma once

#include "services/edge/console/visit.h"

namespace pharos::edge::console {

void AddSourcePages(Routes& routes);     // /console/partners/sources
void AddAgreementPages(Routes& routes);  // /console/partners
void AddImportPages(Routes& routes);     // /console/partners/import

// The pages beside each other under "Partners".
void AddPartnerTabs(Model& model, const Visit& visit, std::string_view here);

}  // namespace pharos::edge::console
