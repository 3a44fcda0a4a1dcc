// The areas of the console: each adds its pages.
#pragma once

#include "services/edge/console/visit.h"

namespace pharos::edge::console {

void AddHomePages(Routes& routes);      // /console
void AddCampaignPages(Routes& routes);  // /console/campaigns…
void AddTemplatePages(Routes& routes);  // /console/templates…
void AddAudiencePages(Routes& routes);  // /console/audiences…
void AddPeoplePages(Routes& routes);    // /console/people…, /console/reviews…
void AddPartnerPages(Routes& routes);   // /console/partners…
void AddOperationPages(
    Routes& routes);  // /console/inbox, /console/connectors, /console/questions, /console/access

}  // namespace pharos::edge::console
