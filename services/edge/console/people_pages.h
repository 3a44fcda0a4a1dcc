// Pages about one person, and what they share.
#pragma once

#include <string>

#include "pharos/customer/v1/person_service.pb.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/visit.h"

namespace pharos::edge::console {

void AddPersonPages(Routes& routes);         // /console/people/{}: what is known
void AddPersonConsentPages(Routes& routes);  // …/consent, …/stop, …/facts
void AddPersonHistoryPages(Routes& routes);  // …/timeline, …/why
void AddPersonLinkPages(Routes& routes);     // …/links, …/unlink
void AddPersonChangePages(Routes& routes);   // …/correct, …/erase
void AddReviewPages(Routes& routes);         // /console/reviews

// Somebody who looks at people says first for what: then true; else `reply` asks.
bool KnowsPurpose(Visit& visit, Reply& reply);
// For what people are looked up: the registered purposes and the work that needs none of them.
Field PurposeField(Visit& visit);

// The person of visit.args[0], with everything; an old id leads to the person it belongs to now.
absl::StatusOr<customer::v1::Person> LoadPerson(Visit& visit);
std::string PersonPath(std::string_view person, std::string_view rest = "");
// A person's page: name as title, the pages beside it.
Model PersonModel(const customer::v1::Person& person, std::string_view here,
                  const std::vector<Section>& sections);

}  // namespace pharos::edge::console
