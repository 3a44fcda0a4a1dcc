// pharos campaign: from draft to a report that adds up.
#include "fmt/format.h"
#include "ops/cli/campaign_report.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace campaign::v1;

std::string StateWord(CampaignState state) {
  return EnumWord(CampaignState_descriptor(), "", state);
}

void ShowCampaign(Output& out, const Campaign& campaign) {
  if (out.json()) return out.Json(campaign);
  out.Data(fmt::format("{}  {}", out.Bold(campaign.name()), StateWord(campaign.state())));
  out.Data(fmt::format("  {} to {} for {}", campaign.template_(), campaign.audience(), campaign.purpose()));
  if (campaign.pin().empty()) return;
  out.Data(fmt::format("  {} people match, {} will get it, template version {}",
                       Thousands(campaign.matched()), Thousands(campaign.members()),
                       campaign.template_version()));
  for (const auto& [reason, number] : campaign.excluded()) {
    out.Data(fmt::format("    {} left out: {} [{}]", Thousands(number), ReasonInWords(reason), reason));
  }
  out.Data("  digest " + campaign.digest());
}

absl::Status CreateCampaign(Context& c) {
  CreateCampaignRequest request;
  request.set_campaign_id(c.args.Operand(0));
  Campaign& campaign = *request.mutable_campaign();
  campaign.set_audience(Name("audiences", c.args.Get("audience")));
  campaign.set_template_(Name("templates", c.args.Get("template")));
  campaign.set_purpose(Name("purposes", c.args.Get("purpose")));
  campaign.set_sms_sender(c.args.Get("sender"));
  campaign.set_display_name(c.args.Get("display-name", c.args.Operand(0)));
  campaign.add_channels(type::v1::CHANNEL_SMS);
  Campaign made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowCampaign(c.out, made);
  c.out.Say(fmt::format("Next: pharos campaign submit {}", Short(made.name())));
  return absl::OkStatus();
}

absl::StatusOr<Campaign> Get(Context& c) {
  GetCampaignRequest request;
  request.set_name(Name("campaigns", c.args.Operand(0)));
  Campaign campaign;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &campaign));
  return campaign;
}

absl::Status Show(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Campaign campaign, Get(c));
  ShowCampaign(c.out, campaign);
  return absl::OkStatus();
}

absl::Status List(Context& c) {
  ListCampaignsRequest request;
  ListCampaignsResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Campaign& campaign : page.campaigns()) {
      if (c.out.json()) {
        c.out.Json(campaign);
      } else {
        c.out.Data(fmt::format("{:<40} {:<10} {} members", campaign.name(), StateWord(campaign.state()),
                               Thousands(campaign.members())));
      }
    }
    return absl::OkStatus();
  });
}

// A verb that takes a name and answers with the campaign.
template <typename Request>
absl::Status Do(Context& c, const char* next) {
  Request request;
  request.set_name(Name("campaigns", c.args.Operand(0)));
  Campaign campaign;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &campaign));
  ShowCampaign(c.out, campaign);
  if (*next != '\0') c.out.Say(fmt::format("Next: pharos campaign {} {}", next, Short(campaign.name())));
  return absl::OkStatus();
}

absl::Status Approve(Context& c) {
  ApproveCampaignRequest request;
  request.set_name(Name("campaigns", c.args.Operand(0)));
  request.set_digest(c.args.Get("digest"));
  Campaign campaign;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &campaign));
  ShowCampaign(c.out, campaign);
  c.out.Say(fmt::format("Next: pharos campaign launch {}", Short(campaign.name())));
  return absl::OkStatus();
}

absl::Status Stop(Context& c) {
  StopCampaignRequest request;
  request.set_name(Name("campaigns", c.args.Operand(0)));
  StopCampaignResponse stopped;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &stopped));
  if (c.out.json()) {
    c.out.Json(stopped);
  } else {
    c.out.Data(fmt::format("Stopped: {} had left, {} are being handed over, {} will not go.",
                           Thousands(stopped.left()), Thousands(stopped.in_flight()),
                           Thousands(stopped.not_sent())));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> CampaignCommands() {
  auto submit = [](Context& c) { return Do<SubmitCampaignRequest>(c, "show"); };
  return {
      {"campaign",
       "create",
       "ID",
       "A draft: audience, template, purpose.",
       {"campaign create quit-1 --audience public --template quit-1 --purpose stop-smoking --sender 60777"},
       {{"audience", "AUDIENCE", "who", true},
        {"template", "TEMPLATE", "what", true},
        {"purpose", "PURPOSE", "what for", true},
        {"sender", "SENDER", "what the phone shows: a short code, a number, or up to 11 characters"},
        {"display-name", "TEXT", "name for people"}},
       CreateCampaign},
      {"campaign", "show", "CAMPAIGN", "A campaign and what was pinned.", {"campaign show quit-1"}, {}, Show},
      {"campaign", "list", "", "All campaigns, newest first.", {"campaign list"}, {}, List},
      {"campaign",
       "submit",
       "CAMPAIGN",
       "Pin the people and send for approval.",
       {"campaign submit quit-1"},
       {},
       submit},
      {"campaign",
       "send-for-approval",
       "CAMPAIGN",
       "The same as submit.",
       {"campaign send-for-approval quit-1"},
       {},
       submit},
      {"campaign",
       "approve",
       "CAMPAIGN",
       "Sign exactly what was shown. Not by its author.",
       {"campaign approve quit-1 --digest 3f9a…"},
       {{"digest", "HEX", "the digest that \"pharos campaign show\" printed", true}},
       Approve},
      {"campaign",
       "reject",
       "CAMPAIGN",
       "Back to draft.",
       {"campaign reject quit-1"},
       {},
       [](Context& c) { return Do<RejectCampaignRequest>(c, ""); }},
      {"campaign",
       "launch",
       "CAMPAIGN",
       "Start sending.",
       {"campaign launch quit-1"},
       {},
       [](Context& c) { return Do<LaunchCampaignRequest>(c, "watch"); }},
      {"campaign",
       "pause",
       "CAMPAIGN",
       "Hold what has not left.",
       {"campaign pause quit-1"},
       {},
       [](Context& c) { return Do<PauseCampaignRequest>(c, "resume"); }},
      {"campaign",
       "resume",
       "CAMPAIGN",
       "Go on after a pause.",
       {"campaign resume quit-1"},
       {},
       [](Context& c) { return Do<ResumeCampaignRequest>(c, "watch"); }},
      {"campaign",
       "stop",
       "CAMPAIGN",
       "Stop for good: what has not left will not.",
       {"campaign stop quit-1"},
       {},
       Stop},
      {"campaign",
       "report",
       "CAMPAIGN",
       "The numbers, which add up.",
       {"campaign report quit-1 --json"},
       {},
       ReportCampaign},
      {"campaign",
       "watch",
       "CAMPAIGN",
       "The numbers until it has finished. Ctrl-C detaches; the campaign goes on.",
       {"campaign watch quit-1"},
       {},
       WatchCampaign}};
}

}  // namespace pharos::cli
