// Campaigns: what their pages share.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "services/edge/console/marketing_page.h"
#include "services/edge/console/visit.h"

namespace pharos::edge::console {

void AddCampaignNewPages(Routes& routes);
void AddCampaignEditPages(Routes& routes);
void AddCampaignDecisionPages(Routes& routes);
void AddCampaignLivePages(Routes& routes);
void AddCampaignReportPages(Routes& routes);

absl::StatusOr<campaign::v1::Campaign> GetCampaign(const Visit& visit);  // of args[0]
absl::StatusOr<campaign::v1::Report> GetReport(const Visit& visit);
std::string CampaignPath(const Visit& visit);  // "/console/campaigns/quit-1"

// Who, what, when: a summary list; with Change links where the visitor may change it.
Section SummaryOf(const Visit& visit, const campaign::v1::Campaign& campaign, bool change);
// Its template as it will be sent, at the version that is frozen if one is.
Model PreviewOfCampaign(const Visit& visit, const campaign::v1::Campaign& campaign);
// Fields of the two forms: who; what.
std::vector<Field> WhoFields(const Visit& visit, const campaign::v1::Campaign& campaign);
std::vector<Field> WhatFields(const Visit& visit, const campaign::v1::Campaign& campaign);
// What the forms said, put into a campaign; an error for each field that is wrong.
using FieldErrors = std::vector<std::pair<std::string, std::string>>;
FieldErrors TakeWho(const FormValues& form, campaign::v1::Campaign& campaign);
FieldErrors TakeWhat(const FormValues& form, campaign::v1::Campaign& campaign);

// The pages of its states.
absl::StatusOr<Reply> ShowDraft(Visit& visit, const campaign::v1::Campaign& campaign);
absl::StatusOr<Reply> ShowForDecision(Visit& visit, const campaign::v1::Campaign& campaign);
absl::StatusOr<Reply> ShowLive(Visit& visit, const campaign::v1::Campaign& campaign);

}  // namespace pharos::edge::console
