#include "services/dispatch/message_steps.h"

#include "services/base/errors.h"
#include "services/dispatch/errors.h"
#include "services/dispatch/tables.h"
#include "storage/envelope.h"

namespace pharos::dispatch {
namespace {

absl::StatusOr<MessageStepText> TextOf(const type::v1::ManifestTemplate& approved,
                                       const internal::v1::StepContent& content) {
  MessageStepText text;
  text.step = approved.step();
  text.template_name = approved.template_();
  text.template_version = approved.version();
  if (!content.sms_body().empty()) {
    PHAROS_ASSIGN_OR_RETURN(text.sms, content::Template::Parse(content.sms_body(), content::Names::kBrought));
  }
  if (!content.email_body().empty()) {
    PHAROS_ASSIGN_OR_RETURN(text.email,
                            content::EmailTemplate::Parse(content.email_subject(), content.email_body(),
                                                          content::Names::kBrought));
  }
  return text;
}

}  // namespace

const MessageStepText* StandingCampaign::OfTemplate(const std::string& name) const {
  for (const auto& [step, text] : texts) {
    if (text.template_name == name) return &text;
  }
  return nullptr;
}

const type::v1::ManifestRoute* StandingCampaign::RouteOf(type::v1::Channel channel) const {
  for (const auto& route : manifest.routes()) {
    if (route.channel() == channel) return &route;
  }
  return nullptr;
}

absl::StatusOr<std::shared_ptr<const StandingCampaign>> MessageSteps::Find(const std::string& campaign) {
  {
    base::MutexLock lock(mutex_);
    if (const auto at = kept_.find(campaign); at != kept_.end()) return at->second;
  }
  PHAROS_ASSIGN_OR_RETURN(auto read, Read(campaign));
  base::MutexLock lock(mutex_);
  if (kept_.size() >= kMostKept) kept_.clear();
  kept_[campaign] = read;
  return read;
}

absl::StatusOr<std::shared_ptr<const StandingCampaign>> MessageSteps::Read(
    const std::string& campaign) const {
  auto read = std::make_shared<StandingCampaign>();
  record::v1::StepRow row;
  PHAROS_ASSIGN_OR_RETURN(bool found, storage::GetRecord(store_, StepKey(campaign, "1"), row));
  if (!found || !read->manifest.ParseFromString(row.approval().manifest()) ||
      read->manifest.kind() != type::v1::STANDING)
    return DispatchErrors::CampaignNotStanding(campaign);
  for (const auto& approved : read->manifest.templates()) {
    PHAROS_ASSIGN_OR_RETURN(found, storage::GetRecord(store_, StepKey(campaign, approved.step()), row));
    if (!found) return DispatchErrors::CampaignNotStanding(campaign);
    PHAROS_ASSIGN_OR_RETURN(read->texts[approved.step()], TextOf(approved, row.content()));
  }
  return std::shared_ptr<const StandingCampaign>(std::move(read));
}

}  // namespace pharos::dispatch
