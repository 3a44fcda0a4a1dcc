// Campaigns: the list, and one of them in the shape of its state.
#include "services/edge/console/campaign_pages.h"

#include <fmt/format.h>

#include "pharos/campaign/v1/template_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/campaign_words.h"
#include "services/edge/console/template_pages.h"

namespace pharos::edge::console {

namespace v1 = campaign::v1;

absl::StatusOr<v1::Campaign> GetCampaign(const Visit& visit) {
  v1::GetCampaignRequest request;
  request.set_name("campaigns/" + visit.args[0]);
  v1::Campaign campaign;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &campaign));
  return campaign;
}

absl::StatusOr<v1::Report> GetReport(const Visit& visit) {
  v1::GetReportRequest request;
  request.set_name("campaigns/" + visit.args[0]);
  v1::Report report;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &report));
  return report;
}

std::string CampaignPath(const Visit& visit) {
  return "/console/campaigns/" + visit.args[0];
}

Section SummaryOf(const Visit& visit, const v1::Campaign& campaign, bool change) {
  const std::string path = CampaignPath(visit);
  const auto to = [&](const char* page) { return change ? path + page : std::string(); };
  Section section;
  const std::string audience = base::Segment(campaign.audience(), "audiences"),
                    text = base::Segment(campaign.template_(), "templates");
  Cell who = visit.May("audiences.read") && !audience.empty()
                 ? Link(audience, "/console/audiences/" + audience)
                 : Cell{audience};
  if (campaign.kind() == type::v1::STANDING)
    who = {"Single messages: one at a time, as a service asks for them"};
  section.facts = {
      {"Who", who, to("/who"), "Change"},
      {"What for", {base::Segment(campaign.purpose(), "purposes")}, to("/who"), "Change"},
      {"Template", visit.May("templates.read") ? Link(text, "/console/templates/" + text) : Cell{text},
       to("/what"), "Change"},
      {"How", {ChannelsInWords(campaign)}, to("/what"), "Change"}};
  for (const RuleInWords& rule : RulesOf(campaign))
    section.facts.push_back({rule.what, {rule.how}, to("/when"), "Change"});
  return section;
}

Model PreviewOfCampaign(const Visit& visit, const v1::Campaign& campaign) {
  v1::GetTemplateRequest request;
  request.set_name(campaign.template_());
  request.set_version(campaign.template_version());
  v1::Template text;
  if (!visit.May("templates.read")) return {{"variants", Model::array()}};
  const absl::Status status = visit.Call(request, &text);
  if (!status.ok()) return {{"heading", "What people will see"}, {"problems", {{{"line", WordsOf(status)}}}}};
  bool sms = false, email = false;
  for (const int channel : campaign.channels()) (channel == type::v1::CHANNEL_EMAIL ? email : sms) = true;
  if (!sms) text.clear_sms_body();
  if (!email) text.clear_email_body();
  if (!email) text.clear_email_subject();
  Model preview = PreviewOf(text, PriceOfPart(visit));
  preview["heading"] = fmt::format("What people will see (version {} of the template)", text.version());
  return preview;
}

namespace {

constexpr int kShown = 50;

absl::StatusOr<Reply> ShowCampaigns(Visit& visit) {
  v1::ListCampaignsRequest request;
  request.set_page_size(kShown);
  request.set_page_token(visit.query.Get("page"));
  v1::ListCampaignsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  if (visit.May("campaigns.write")) section.buttons = {{"Start a campaign", "/console/campaigns/new"}};
  Table table{"All campaigns, newest first",
              Heads({"Campaign", "Status", "#People", "Author", "Started"}),
              {},
              "There are no campaigns yet."};
  for (const v1::Campaign& campaign : response.campaigns()) {
    table.rows.push_back(
        {Link(NameForPeople(campaign), "/console/campaigns/" + base::Segment(campaign.name(), "campaigns")),
         Tag(StateInWords(campaign.state()), StateColour(campaign.state())),
         Number(campaign.members()),
         {base::Segment(campaign.author(), "principals")},
         {campaign.launch_time_us() == 0 ? "" : TimeInWords(campaign.launch_time_us())}});
  }
  section.tables = {table};
  PageOfBlocks page(visit, "Campaigns");
  page.Add(section);
  AddNextPage(page.model(), "/console/campaigns", response.next_page_token());
  AddCopyAs(page.model(), "pharos campaign list", "campaign.v1.CampaignService/ListCampaigns", "{}");
  return page.Show();
}

absl::StatusOr<Reply> ShowCampaign(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Campaign campaign, GetCampaign(visit));
  switch (campaign.state()) {
    case v1::DRAFT:
      return ShowDraft(visit, campaign);
    case v1::IN_REVIEW:
    case v1::APPROVED:
      return ShowForDecision(visit, campaign);
    default:
      return ShowLive(visit, campaign);
  }
}

}  // namespace

void AddCampaignPages(Routes& routes) {
  routes.Get("/console/campaigns", "campaigns.read", &ShowCampaigns);
  AddCampaignNewPages(routes);
  AddCampaignEditPages(routes);
  AddCampaignDecisionPages(routes);
  AddCampaignLivePages(routes);
  AddCampaignReportPages(routes);
  routes.Get("/console/campaigns/{}", "campaigns.read", &ShowCampaign);
}

}  // namespace pharos::edge::console
