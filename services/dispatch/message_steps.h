// What was approved for single messages: the declared steps of STANDING campaigns, read once and kept. A
// declared step never changes. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "pharos/record/v1/dispatch.pb.h"
#include "pharos/type/v1/manifest.pb.h"
#include "services/base/mutex.h"
#include "services/content/email_text.h"
#include "services/content/template.h"
#include "storage/store.h"

namespace pharos::dispatch {

// One template of a STANDING campaign.
struct MessageStepText {
  std::string step;  // "1"
  std::string template_name;
  uint64_t template_version = 0;
  std::optional<content::Template> sms;
  std::optional<content::EmailTemplate> email;
};

struct StandingCampaign {
  type::v1::CampaignManifest manifest;
  std::map<std::string, MessageStepText> texts;  // by declared step
  // nullptr: not among those approved.
  const MessageStepText* OfTemplate(const std::string& name) const;
  const type::v1::ManifestRoute* RouteOf(type::v1::Channel channel) const;
};

class MessageSteps {
 public:
  explicit MessageSteps(const storage::Store& store) : store_(store) {}
  // FAILED_PRECONDITION (CAMPAIGN_NOT_STANDING): none, of another kind, or not all of its steps are declared
  // yet.
  absl::StatusOr<std::shared_ptr<const StandingCampaign>> Find(const std::string& campaign);

  static constexpr size_t kMostKept = 1'024;  // campaigns; some 100 KiB each at most

 private:
  absl::StatusOr<std::shared_ptr<const StandingCampaign>> Read(const std::string& campaign) const;

  const storage::Store& store_;
  base::Mutex mutex_;
  std::map<std::string, std::shared_ptr<const StandingCampaign>> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::dispatch
