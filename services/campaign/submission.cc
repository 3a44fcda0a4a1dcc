#include "services/campaign/submission.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "services/base/ids.h"
#include "services/campaign/errors.h"
#include "services/campaign/standing.h"

namespace pharos::campaign {
namespace {

// The same manifest gives the same bytes.
std::string Serialised(const type::v1::CampaignManifest& manifest) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    manifest.SerializeToCodedStream(&coded);
  }
  return bytes;
}

void AddRoutes(const v1::Campaign& c, type::v1::CampaignManifest& manifest) {
  for (int channel : c.channels()) {
    type::v1::ManifestRoute& route = *manifest.add_routes();
    route.set_channel(static_cast<type::v1::Channel>(channel));
    if (channel == type::v1::CHANNEL_EMAIL) {
      route.set_sender(c.email_from());
      route.set_sender_name(c.email_from_name());
    } else {
      route.set_sender(c.sms_sender());
    }
  }
}

// Purposes registered before there were versions are version 1.
uint64_t VersionOf(const customer::v1::Purpose& purpose) {
  return std::max<uint64_t>(1, purpose.version());
}

}  // namespace

type::v1::CampaignManifest MakeManifest(const record::v1::CampaignRow& row, const Gathered& gathered,
                                        std::string_view author) {
  const v1::Campaign& c = row.campaign();
  type::v1::CampaignManifest manifest;
  manifest.set_campaign(c.name());
  manifest.set_revision(row.revision());
  manifest.set_author(std::string(author));
  manifest.set_pin(gathered.pin.name());
  manifest.set_members(gathered.pin.members());
  *manifest.mutable_member_pages() = gathered.pin.pages();
  manifest.set_purpose(c.purpose());
  manifest.set_purpose_version(VersionOf(gathered.purpose));
  manifest.set_purpose_class(gathered.purpose.purpose_class());
  manifest.set_lawful_basis(gathered.purpose.lawful_basis());
  const std::vector<std::string> templates = TemplatesOf(c);
  for (size_t i = 0; i < gathered.texts.size(); ++i) {
    type::v1::ManifestTemplate& text = *manifest.add_templates();
    text.set_step(StepName(static_cast<int>(i)));
    text.set_template_(templates[i]);
    text.set_version(gathered.texts[i].version());
    text.set_digest(gathered.texts[i].digest());
  }
  AddRoutes(c, manifest);
  manifest.set_not_before_us(c.not_before_us());
  manifest.set_not_after_us(c.not_after_us());
  manifest.set_fallback(c.fallback());
  if (c.has_rules()) *manifest.mutable_rules() = c.rules();
  if (IsStanding(c)) manifest.set_kind(type::v1::STANDING);
  manifest.set_source(c.source());
  manifest.set_measure_links(c.measure_links());
  return manifest;
}

void Freeze(record::v1::CampaignRow& row, const Gathered& gathered, std::string_view author) {
  const std::string manifest = Serialised(MakeManifest(row, gathered, author));
  record::v1::FrozenRow& frozen = *row.mutable_frozen();
  frozen.Clear();
  *frozen.mutable_content() = ContentOf(gathered.texts.front());
  for (size_t i = 1; i < gathered.texts.size(); ++i)
    *frozen.add_more_contents() = ContentOf(gathered.texts[i]);
  frozen.set_manifest(manifest);
  v1::Campaign& c = *row.mutable_campaign();
  c.set_template_version(gathered.texts.front().version());
  if (IsStanding(c)) {
    const std::vector<std::string> templates = TemplatesOf(c);
    for (size_t i = 0; i < gathered.texts.size(); ++i)
      (*c.mutable_template_versions())[templates[i]] = gathered.texts[i].version();
  }
  c.set_purpose_version(VersionOf(gathered.purpose));
  c.set_purpose_class(gathered.purpose.purpose_class());
  c.set_pin(gathered.pin.name());
  c.set_matched(gathered.pin.matched());
  c.set_members(gathered.pin.members());
  *c.mutable_excluded() = gathered.pin.excluded();
  c.set_author(std::string(author));
  c.clear_returned_reason();
  c.clear_returned_by();
  c.set_digest(base::ToHex(base::Sha256(manifest)));
}

void Void(record::v1::CampaignRow& row) {
  v1::Campaign& c = *row.mutable_campaign();
  row.clear_frozen();
  c.clear_template_version();
  c.clear_template_versions();
  c.clear_purpose_version();
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

absl::Status TakeApproval(record::v1::CampaignRow& row, const type::v1::SignedApproval& approval,
                          std::string_view approver) {
  if (approval.manifest() != row.frozen().manifest()) return errors::DigestMismatch(row.campaign().name());
  if (approval.approver() != approver || approval.signature().empty())
    return errors::ApprovalUnusable(row.campaign().name());
  *row.mutable_frozen()->mutable_approval() = approval;
  row.mutable_campaign()->set_approver(std::string(approver));
  return absl::OkStatus();
}

}  // namespace pharos::campaign
