// What a submission freezes and an approval signs. Pure.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "pharos/audience/internal/v1/member_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/record/v1/campaign.pb.h"

namespace pharos::campaign {

// What was gathered for a submission.
struct Gathered {
  std::string etag;  // of the draft it was gathered for
  record::v1::TemplateRow text;
  customer::v1::Purpose purpose;
  audience::internal::v1::Pin pin;
};

// SHA-256 in hex over one line each, "<name>=<value>\n", in this order: members, template, template_version,
// content, purpose, purpose_class, lawful_basis, channels, sms_sender. Enums by name; digests in hex.
std::string ApprovalDigest(const record::v1::CampaignRow& row);

// Freezes; the state is the caller's.
void Freeze(record::v1::CampaignRow& row, const Gathered& gathered, std::string_view author);
// Forgets everything frozen and signed: the campaign is a draft's contents again.
void Void(record::v1::CampaignRow& row);

// PERMISSION_DENIED (APPROVER_IS_AUTHOR); ABORTED (DIGEST_MISMATCH).
absl::Status CheckApproval(const v1::Campaign& campaign, std::string_view approver, std::string_view digest);

}  // namespace pharos::campaign
