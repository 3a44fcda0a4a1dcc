// What a submission freezes and an approval signs: the manifest. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/record/v1/campaign.pb.h"
#include "pharos/type/v1/manifest.pb.h"

namespace pharos::campaign {

// The step of a campaign to members; a STANDING one has a step for each template (standing.h).
inline constexpr std::string_view kStep = "1";

// What was gathered for a submission.
struct Gathered {
  std::string etag;                            // of the draft it was gathered for
  std::vector<record::v1::TemplateRow> texts;  // at least one; in the order of the steps
  customer::v1::Purpose purpose;
  audience::internal::v1::Pin pin;  // STANDING: none
};

// Everything that decides what is sent to whom. `row` is the draft; its revision names this submission.
type::v1::CampaignManifest MakeManifest(const record::v1::CampaignRow& row, const Gathered& gathered,
                                        std::string_view author);

// Freezes the texts and the manifest's bytes, and shows its digest; the state is the caller's.
void Freeze(record::v1::CampaignRow& row, const Gathered& gathered, std::string_view author);
// Forgets everything frozen and signed: the campaign is a draft's contents again.
void Void(record::v1::CampaignRow& row);

// PERMISSION_DENIED (APPROVER_IS_AUTHOR); ABORTED (DIGEST_MISMATCH).
absl::Status CheckApproval(const v1::Campaign& campaign, std::string_view approver, std::string_view digest);
// Takes an approval over if it is for what `row` holds now: ABORTED (DIGEST_MISMATCH) if the campaign has
// been submitted anew since; INTERNAL (APPROVAL_UNUSABLE) if it names another approver.
absl::Status TakeApproval(record::v1::CampaignRow& row, const type::v1::SignedApproval& approval,
                          std::string_view approver);

}  // namespace pharos::campaign
