// What is different about a STANDING campaign: it has templates for single messages and a source for
// receivers whom nobody knew, and no audience. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/record/v1/campaign.pb.h"

namespace pharos::campaign {

bool IsStanding(const v1::Campaign& campaign);
// All of a campaign's templates, in the order of its steps.
std::vector<std::string> TemplatesOf(const v1::Campaign& campaign);

// What may stand together: INVALID_ARGUMENT (AUDIENCE_MISSING, STANDING_WRONG).
absl::Status CheckKind(const v1::Campaign& draft);
// The template fits the campaign's kind and channels: FAILED_PRECONDITION (TEMPLATE_LACKS_CHANNEL,
// TEMPLATE_KIND_WRONG). One of a STANDING campaign needs a text for one of its channels, any other for all.
absl::Status CheckTemplateFor(const v1::Campaign& draft, const record::v1::TemplateRow& text);

// The texts of a template, as dispatch is given them.
dispatch::internal::v1::StepContent ContentOf(const record::v1::TemplateRow& text);
// Steps are "1", "2", … in the order of TemplatesOf.
std::string StepName(int index);

}  // namespace pharos::campaign
