#include "services/campaign/standing.h"

#include <algorithm>
#include <set>

#include "services/base/errors.h"
#include "services/campaign/draft.h"
#include "services/campaign/errors.h"

namespace pharos::campaign {
namespace {

bool HasText(const record::v1::TemplateRow& text, int channel) {
  return channel == type::v1::CHANNEL_EMAIL ? !text.email_body().empty() : !text.sms_body().empty();
}

absl::Status CheckBulk(const v1::Campaign& draft) {
  if (draft.audience().empty()) return errors::AudienceMissing();
  if (!draft.more_templates().empty())
    return errors::StandingWrong("more_templates", "only a STANDING campaign has several templates");
  if (!draft.source().empty())
    return errors::StandingWrong("source", "only a STANDING campaign has a source of its own");
  return absl::OkStatus();
}

absl::Status CheckStanding(const v1::Campaign& draft) {
  if (!draft.audience().empty())
    return errors::StandingWrong("audience", "each message of a STANDING campaign names its receiver");
  if (draft.source().empty())
    return errors::StandingWrong("source", "name the source that holds receivers whom nobody knew");
  if (draft.rules().canary_permille() != 0)
    return errors::StandingWrong("rules.canary_permille",
                                 "a STANDING campaign has no first share of members");
  if (draft.fallback())
    return errors::StandingWrong("fallback",
                                 "a single message goes to one address; send another one instead");
  if (draft.measure_links())
    return errors::StandingWrong("measure_links", "links of single messages are never counted");
  const auto templates = TemplatesOf(draft);
  if (std::set<std::string>(templates.begin(), templates.end()).size() != templates.size())
    return errors::StandingWrong("more_templates", "name each template once");
  return absl::OkStatus();
}

}  // namespace

bool IsStanding(const v1::Campaign& campaign) {
  return campaign.kind() == type::v1::STANDING;
}

std::vector<std::string> TemplatesOf(const v1::Campaign& campaign) {
  std::vector<std::string> templates = {campaign.template_()};
  templates.insert(templates.end(), campaign.more_templates().begin(), campaign.more_templates().end());
  return templates;
}

absl::Status CheckKind(const v1::Campaign& draft) {
  return IsStanding(draft) ? CheckStanding(draft) : CheckBulk(draft);
}

absl::Status CheckTemplateFor(const v1::Campaign& draft, const record::v1::TemplateRow& text) {
  if (IsStanding(draft) != text.single_messages())
    return errors::TemplateKindWrong(text.name(), IsStanding(draft));
  if (!IsStanding(draft)) return CheckTexts(draft, text);
  const auto& channels = draft.channels();
  const bool any =
      std::any_of(channels.begin(), channels.end(), [&](int channel) { return HasText(text, channel); });
  return any ? absl::OkStatus() : errors::TemplateLacksChannel(text.name(), "any of the campaign's channels");
}

dispatch::internal::v1::StepContent ContentOf(const record::v1::TemplateRow& text) {
  dispatch::internal::v1::StepContent content;
  content.set_sms_body(text.sms_body());
  content.set_email_subject(text.email_subject());
  content.set_email_body(text.email_body());
  return content;
}

std::string StepName(int index) {
  return std::to_string(index + 1);
}

}  // namespace pharos::campaign
