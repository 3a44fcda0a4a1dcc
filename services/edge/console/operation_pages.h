// Pages for those who keep it running.
#pragma once

#include "services/edge/console/visit.h"

namespace pharos::edge::console {

void AddInboxPages(Routes& routes);      // /console/inbox
void AddConnectorPages(Routes& routes);  // /console/connectors
void AddQuestionPages(Routes& routes);   // /console/questions
void AddPrincipalPages(Routes& routes);  // /console/access
void AddActPages(Routes& routes);        // /console/access/acts, …/policy

// The pages beside each other under "Access".
void AddAccessTabs(Model& model, const Visit& visit, std::string_view here);

}  // namespace pharos::edge::console
