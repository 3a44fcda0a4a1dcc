// Approval by another person over exactly what will be sent, and the launch.
#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/audience_pages.h"
#include "services/edge/console/campaign_pages.h"
#include "services/edge/console/campaign_words.h"
#include "services/edge/console/try_out_pages.h"

namespace pharos::edge::console {

namespace v1 = campaign::v1;

namespace {

// Who got in and who was left out when the people were fixed.
void AddPinned(PageOfBlocks& page, const v1::Campaign& campaign) {
  if (campaign.kind() == type::v1::STANDING) return;
  std::vector<BarRow> rows;
  const double all = campaign.matched() > 0 ? static_cast<double>(campaign.matched()) : 1;
  for (const FunnelStep& step :
       FunnelOf(campaign.matched(), {campaign.excluded().begin(), campaign.excluded().end()})) {
    const bool taken = !step.reason.empty() && step.reason != "ALLOW";
    rows.push_back({step.reason == "ALLOW" ? "Will be sent it" : step.words,
                    {(taken ? "− " : "") + Thousands(step.number)},
                    static_cast<double>(step.left) / all});
  }
  page.Add("_bar_table", BarTable("Who it goes to", "What", {"People"}, "Left", rows));
}

std::string WhyNotApprove(const Visit& visit, const v1::Campaign& campaign) {
  if (campaign.author() == visit.session->principal)
    return "You asked for approval yourself, so somebody else must approve it. Tell an approver that it "
           "waits for them on this page.";
  if (!visit.May("campaigns.approve"))
    return "Your role does not include approving. An approver decides on this page.";
  return "";
}

void AddDecision(PageOfBlocks& page, const Visit& visit, const v1::Campaign& campaign) {
  if (const std::string why = WhyNotApprove(visit, campaign); !why.empty()) {
    Section section;
    section.heading = "Waiting for approval";
    section.paragraphs = {why};
    page.Add(section);
    return;
  }
  FormBlock form;
  form.heading = "Decide";
  form.warning =
      "You approve exactly what is shown here: these people, this text, these rules. If anything is changed, "
      "your approval is void.";
  form.action = CampaignPath(visit) + "/decide";
  form.fields.push_back({Field::Kind::kHidden, "digest"});
  form.fields.back().value = campaign.digest();
  Field reason{Field::Kind::kArea, "reason", "If you send it back: what has to change?",
               "Its author reads this. No personal details."};
  reason.value = visit.form.Get("reason");
  form.fields.push_back(std::move(reason));
  form.submits = {
      {campaign.kind() == type::v1::STANDING ? "Approve"
                                             : "Approve " + MessagesInWords(campaign.members(), campaign),
       "act", "approve"},
      {"Send back to its author", "act", "reject", true}};
  page.Add(form);
}

void AddLaunch(PageOfBlocks& page, const Visit& visit, const v1::Campaign& campaign) {
  if (!visit.May("campaigns.run")) {
    Section section;
    section.heading = "Approved";
    section.paragraphs = {"Whoever runs campaigns can send it now."};
    page.Add(section);
  } else {
    FormBlock form;
    const bool standing = campaign.kind() == type::v1::STANDING;
    form.heading = "Send it";
    form.warning = standing
                       ? "From now on services may send single messages through it, until it is stopped."
                       : fmt::format("{} will be sent{}. What has left cannot be taken back.",
                                     MessagesInWords(campaign.members(), campaign),
                                     visit.session->live ? "" : " to the simulated network of this trial");
    form.action = CampaignPath(visit) + "/launch";
    form.submits = {
        {standing ? "Start" : "Send " + MessagesInWords(campaign.members(), campaign), "act", "launch"}};
    page.Add(form);
  }
  if (!visit.May("campaigns.approve")) return;
  FormBlock back;
  back.action = CampaignPath(visit) + "/decide";
  back.submits = {{"Take the approval back", "act", "reject", true}};
  page.Add(back);
}

Reply DecisionPage(Visit& visit, const v1::Campaign& campaign, const FieldErrors& errors) {
  PageOfBlocks page(visit, NameForPeople(campaign), "/console/campaigns");
  page.State(StateInWords(campaign.state()), StateColour(campaign.state()));
  Section summary = SummaryOf(visit, campaign, visit.May("campaigns.write"));
  summary.facts.push_back({"Asked for by", {base::Segment(campaign.author(), "principals")}, "", ""});
  if (!campaign.approver().empty())
    summary.facts.push_back({"Approved by", {base::Segment(campaign.approver(), "principals")}, "", ""});
  summary.facts.push_back({"Digest of all of this", {campaign.digest()}, "", ""});
  page.Add(summary);
  AddPinned(page, campaign);
  page.Add("_template_preview", PreviewOfCampaign(visit, campaign));
  page.Add(TryOutSection(visit, campaign.template_(), campaign.template_version(), campaign.name()));
  const bool review = campaign.state() == v1::IN_REVIEW;
  review ? AddDecision(page, visit, campaign) : AddLaunch(page, visit, campaign);
  AddCopyAs(
      page.model(),
      review ? fmt::format("pharos campaign approve {} --digest {}", visit.args[0], campaign.digest())
             : "pharos campaign launch " + visit.args[0],
      review ? "campaign.v1.CampaignService/ApproveCampaign" : "campaign.v1.CampaignService/LaunchCampaign",
      review ? fmt::format(R"({{"name": "{}", "digest": "{}"}})", campaign.name(), campaign.digest())
             : fmt::format(R"({{"name": "{}"}})", campaign.name()));
  return errors.empty() ? page.Show() : page.ShowWith(errors);
}

// Back to the campaign: with what was done, or with what the service said.
absl::StatusOr<Reply> After(Visit& visit, const absl::Status& status, const std::string& notice) {
  if (status.ok()) return Go(CampaignPath(visit), notice);
  if (!IsMendable(status)) return status;
  PHAROS_ASSIGN_OR_RETURN(const v1::Campaign campaign, GetCampaign(visit));
  return DecisionPage(visit, campaign, {{"", WordsOf(status)}});
}

absl::StatusOr<Reply> Decide(Visit& visit) {
  const std::string name = "campaigns/" + visit.args[0], once = visit.form.Get("request_id");
  v1::Campaign campaign;
  if (visit.form.Get("act") == "reject") {
    v1::RejectCampaignRequest request;
    request.set_name(name);
    request.set_reason(visit.form.Get("reason"));
    if (request.reason().empty()) {
      PHAROS_ASSIGN_OR_RETURN(campaign, GetCampaign(visit));
      if (campaign.state() == v1::IN_REVIEW)
        return DecisionPage(visit, campaign,
                            {{"reason", "Say what has to change, so that its author knows"}});
    }
    request.set_request_id(once);
    return After(visit, visit.Call(request, &campaign),
                 "The campaign is a draft again. Its author sees what you wrote.");
  }
  v1::ApproveCampaignRequest request;
  request.set_name(name);
  request.set_digest(visit.form.Get("digest"));
  request.set_request_id(once);
  return After(visit, visit.Call(request, &campaign), "Approved. It can be sent now.");
}

absl::StatusOr<Reply> Launch(Visit& visit) {
  v1::LaunchCampaignRequest request;
  request.set_name("campaigns/" + visit.args[0]);
  request.set_request_id(visit.form.Get("request_id"));
  v1::Campaign campaign;
  return After(visit, visit.Call(request, &campaign), "Sending has begun.");
}

}  // namespace

absl::StatusOr<Reply> ShowForDecision(Visit& visit, const v1::Campaign& campaign) {
  return DecisionPage(visit, campaign, {});
}

void AddCampaignDecisionPages(Routes& routes) {
  routes.Post("/console/campaigns/{}/decide", "campaigns.approve", &Decide);
  routes.Post("/console/campaigns/{}/launch", "campaigns.run", &Launch);
}

}  // namespace pharos::edge::console
