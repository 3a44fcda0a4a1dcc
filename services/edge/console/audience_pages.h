// Audiences: what their pages share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pharos/audience/v1/audience_service.pb.h"
#include "services/edge/console/marketing_page.h"
#include "services/edge/console/visit.h"

namespace pharos::edge::console {

void AddAudienceEditPages(Routes& routes);
void AddAudienceTablePages(Routes& routes);

// What its author calls it, else its id.
std::string NameForPeople(const audience::v1::Audience& audience);
// Adds what the filter means: how many match, each reason, how many may be written to, as a table with bars;
// or what is wrong with it. `count` may be an error.
void AddFunnel(PageOfBlocks& page, std::string_view into,
               const absl::StatusOr<audience::v1::CountAudienceResponse>& count);
// The part alone.
Model FunnelModel(const absl::StatusOr<audience::v1::CountAudienceResponse>& count);
// As it may be told: "about 40", "not shown".
std::string FigureInWords(const audience::v1::Figure& figure);
// A choice of the purposes in use, "" first.
std::vector<Choice> PurposeChoices(const Visit& visit, const std::string& nothing);

// One row of the builder, "age" "at least" "18", as a filter: age >= 18. Texts are quoted; empty if field or
// value is. `type` as ListFields says. Pure.
std::string RowFilter(std::string_view field, std::string_view type, std::string_view relation,
                      std::string_view value);
// Filters that must all hold. Pure.
std::string AllOf(const std::vector<std::string>& filters);

}  // namespace pharos::edge::console
