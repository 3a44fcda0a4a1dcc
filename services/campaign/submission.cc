#include "services/campaign/submission.h"

#include <fmt/format.h>

#include "services/base/ids.h"
#include "services/campaign/errors.h"

namespace pharos::campaign {

std::string ApprovalDigest(const record::v1::CampaignRow& row) {
  const v1::Campaign& c = row.campaign();
  std::string channels;
  for (int channel : c.channels()) {
    channels += fmt::format("{}{}", channels.empty() ? "" : ",",
                            type::v1::Channel_Name(static_cast<type::v1::Channel>(channel)));
  }
  const std::string text = fmt::format(
      "members={}\ntemplate={}\ntemplate_version={}\ncontent={}\npurpose={}\npurpose_class={}\nlawful_basis={"
      "}\nchannels={}\n"
      "sms_sender={}\n",
      base::ToHex(row.frozen().members_digest()), c.template_(), c.template_version(),
      base::ToHex(row.frozen().content_digest()), c.purpose(), type::v1::PurposeClass_Name(c.purpose_class()),
      type::v1::LawfulBasis_Name(row.frozen().lawful_basis()), channels, c.sms_sender());
  return base::ToHex(base::Sha256(text));
}

void Freeze(record::v1::CampaignRow& row, const Gathered& gathered, std::string_view author) {
  v1::Campaign& c = *row.mutable_campaign();
  record::v1::FrozenRow& frozen = *row.mutable_frozen();
  frozen.set_sms_body(gathered.text.sms_body());
  frozen.set_content_digest(gathered.text.digest());
  frozen.set_members_digest(gathered.pin.digest());
  frozen.set_lawful_basis(gathered.purpose.lawful_basis());
  c.set_template_version(gathered.text.version());
  c.set_purpose_class(gathered.purpose.purpose_class());
  c.set_pin(gathered.pin.name());
  c.set_matched(gathered.pin.matched());
  c.set_members(gathered.pin.members());
  *c.mutable_excluded() = gathered.pin.excluded();
  c.set_author(std::string(author));
  c.set_digest(ApprovalDigest(row));
}

void Void(record::v1::CampaignRow& row) {
  v1::Campaign& c = *row.mutable_campaign();
  row.clear_frozen();
  c.clear_template_version();
  c.clear_purpose_class();
  c.clear_pin();
  c.clear_matched();
  c.clear_members();
  c.clear_excluded();
  c.clear_digest();
  c.clear_author();
  c.clear_approver();
}

absl::Status CheckApproval(const v1::Campaign& campaign, std::string_view approver, std::string_view digest) {
  if (approver == campaign.author()) return errors::ApproverIsAuthor(campaign.name());
  if (digest != campaign.digest()) return errors::DigestMismatch(campaign.name());
  return absl::OkStatus();
}

}  // namespace pharos::campaign
