// pharos campaign: from draft to a report that adds up.
#include <functional>

#include "fmt/format.h"
#include "ops/cli/campaign_report.h"
#include "ops/cli/command.h"
#include "ops/cli/send_rules.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace campaign::v1;

std::string StateWord(CampaignState state) {
  return EnumWord(CampaignState_descriptor(), "", state);
}

// "sms from 60777, email from Quit <quit@example.org>, the next one after a known failure"
std::string Routes(const Campaign& campaign) {
  std::vector<std::string> routes;
  for (int channel : campaign.channels()) {
    std::string route = EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", channel);
    const bool email = channel == type::v1::CHANNEL_EMAIL;
    const std::string& sender = email ? campaign.email_from() : campaign.sms_sender();
    if (!sender.empty()) route += " from ";
    if (email && !campaign.email_from_name().empty()) {
      route += fmt::format("{} <{}>", campaign.email_from_name(), sender);
    } else {
      route += sender;
    }
    routes.push_back(route);
  }
  if (campaign.fallback()) routes.push_back("the next one after a known failure");
  return fmt::format("{}", fmt::join(routes, ", "));
}

void ShowCampaign(Output& out, const Campaign& campaign) {
  if (out.json()) return out.Json(campaign);
  out.Data(fmt::format("{}  {}", out.Bold(campaign.name()), StateWord(campaign.state())));
  if (campaign.kind() == type::v1::STANDING) {
    out.Data(fmt::format("  single messages for {}, unknown receivers into {}", campaign.purpose(),
                         campaign.source()));
    for (const auto& [text, version] : campaign.template_versions())
      out.Data(fmt::format("  {} version {}", text, version));
    if (!campaign.digest().empty()) out.Data("  digest " + campaign.digest());
  } else {
    out.Data(fmt::format("  {} to {} for {}", campaign.template_(), campaign.audience(), campaign.purpose()));
  }
  if (!campaign.returned_reason().empty())
    out.Data(fmt::format("  sent back by {}: {}", campaign.returned_by(), campaign.returned_reason()));
  out.Data(fmt::format("  {}", Routes(campaign)));
  if (campaign.measure_links()) out.Data("  counts who follows links in emails, of those who agreed to it");
  if (campaign.not_before_us() > 0) out.Data("  not before " + Time(campaign.not_before_us()));
  if (campaign.not_after_us() > 0) out.Data("  not after " + Time(campaign.not_after_us()));
  for (const std::string& rule : RulesInWords(campaign.rules())) out.Data("  " + rule);
  if (campaign.pin().empty()) return;
  out.Data(fmt::format("  {} people match, {} will get it, template version {}",
                       Thousands(campaign.matched()), Thousands(campaign.members()),
                       campaign.template_version()));
  for (const auto& [reason, number] : campaign.excluded()) {
    out.Data(fmt::format("    {} left out: {} [{}]", Thousands(number), ReasonInWords(reason), reason));
  }
  out.Data("  digest " + campaign.digest());
}

absl::Status SetTime(const Args& args, const char* option, const std::function<void(int64_t)>& set) {
  if (!args.Has(option)) return absl::OkStatus();
  if (args.Get(option).empty()) {
    set(0);
    return absl::OkStatus();
  }
  PHAROS_ASSIGN_OR_RETURN(int64_t time_us, ParseTime(args.Get(option)));
  set(time_us);
  return absl::OkStatus();
}

absl::Status SetChannels(const Args& args, Campaign& campaign) {
  if (!args.Has("channels")) return absl::OkStatus();
  campaign.clear_channels();
  for (const std::string& word : CommaWords(args.Get("channels"))) {
    PHAROS_ASSIGN_OR_RETURN(int channel, Enum(type::v1::Channel_descriptor(), "CHANNEL_", word));
    campaign.add_channels(static_cast<type::v1::Channel>(channel));
  }
  return campaign.channels().empty() ? UsageError("--channels needs sms, email or both: sms,email.")
                                     : absl::OkStatus();
}

// Sets what the command line gives; the rest stays.
absl::Status SetCampaign(const Args& args, Campaign& campaign) {
  if (args.Has("audience")) campaign.set_audience(Name("audiences", args.Get("audience")));
  if (args.Has("template")) campaign.set_template_(Name("templates", args.Get("template")));
  if (args.Has("standing")) campaign.set_kind(type::v1::STANDING);
  if (args.Has("source")) campaign.set_source(Name("sources", args.Get("source")));
  if (args.Has("more-templates")) {
    campaign.clear_more_templates();
    for (const std::string& word : CommaWords(args.Get("more-templates")))
      campaign.add_more_templates(Name("templates", word));
  }
  if (args.Has("purpose")) campaign.set_purpose(Name("purposes", args.Get("purpose")));
  if (args.Has("sender")) campaign.set_sms_sender(args.Get("sender"));
  if (args.Has("display-name")) campaign.set_display_name(args.Get("display-name"));
  if (args.Has("email-from")) campaign.set_email_from(args.Get("email-from"));
  if (args.Has("email-from-name")) campaign.set_email_from_name(args.Get("email-from-name"));
  if (args.Has("fallback") && args.Has("no-fallback"))
    return UsageError("Give --fallback or --no-fallback, one of them.");
  if (args.Has("fallback")) campaign.set_fallback(true);
  if (args.Has("no-fallback")) campaign.set_fallback(false);
  if (args.Has("measure-links") && args.Has("no-measure-links"))
    return UsageError("Give --measure-links or --no-measure-links, one of them.");
  if (args.Has("measure-links")) campaign.set_measure_links(true);
  if (args.Has("no-measure-links")) campaign.set_measure_links(false);
  PHAROS_RETURN_IF_ERROR(SetChannels(args, campaign));
  type::v1::SendRules rules = campaign.rules();
  PHAROS_RETURN_IF_ERROR(SetRules(args, rules));
  if (campaign.has_rules() || rules.ByteSizeLong() > 0) *campaign.mutable_rules() = rules;
  PHAROS_RETURN_IF_ERROR(SetTime(args, "not-before", [&](int64_t us) { campaign.set_not_before_us(us); }));
  return SetTime(args, "not-after", [&](int64_t us) { campaign.set_not_after_us(us); });
}

absl::Status CreateCampaign(Context& c) {
  CreateCampaignRequest request;
  request.set_campaign_id(c.args.Operand(0));
  Campaign& campaign = *request.mutable_campaign();
  campaign.set_display_name(c.args.Operand(0));
  campaign.add_channels(type::v1::CHANNEL_SMS);
  PHAROS_RETURN_IF_ERROR(SetCampaign(c.args, campaign));
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

// Writes with the etag read (or the one given): nobody else's change is lost.
absl::Status Update(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Campaign campaign, Get(c));
  const CampaignState before = campaign.state();
  PHAROS_RETURN_IF_ERROR(SetCampaign(c.args, campaign));
  if (c.args.Has("etag")) campaign.set_etag(c.args.Get("etag"));
  UpdateCampaignRequest request;
  *request.mutable_campaign() = campaign;
  Campaign updated;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &updated));
  ShowCampaign(c.out, updated);
  if (before != DRAFT) c.out.Say("It is a draft again; what was approved is void.");
  c.out.Say(fmt::format("Next: pharos campaign submit {}", Short(updated.name())));
  return absl::OkStatus();
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

absl::Status Reject(Context& c) {
  RejectCampaignRequest request;
  request.set_name(Name("campaigns", c.args.Operand(0)));
  request.set_reason(c.args.Get("reason"));
  Campaign campaign;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &campaign));
  ShowCampaign(c.out, campaign);
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

std::vector<Option> CampaignOptions(bool create) {
  std::vector<Option> options = {
      {"audience", "AUDIENCE", "who; not with --standing"},
      {"template", "TEMPLATE", "what", create},
      {"purpose", "PURPOSE", "what for", create},
      {"channels", "CHANNELS", "sms, email or both; the first one that may be used is: sms,email; else sms"},
      {"sender", "SENDER", "what the phone shows: a short code, a number, or up to 11 characters"},
      {"email-from", "ADDRESS", "from address of the emails"},
      {"email-from-name", "TEXT", "name shown with it"},
      {"fallback", "", "after a known failure on one channel, try the person's next one"},
      {"measure-links", "", "count who follows links in emails: only people who agreed to be measured"},
      {"not-before", "TIME", "nothing leaves before, e.g. 2026-03-01T09:00:00Z"},
      {"not-after", "TIME", "what has not left by then never does"},
      {"display-name", "TEXT", "name for people"},
      {"standing", "", "for single messages, sent one at a time until it is stopped"},
      {"more-templates", "TEMPLATES", "with --standing: further ones, e.g. moved,cancelled"},
      {"source", "SOURCE", "with --standing: holds receivers whom nobody knew"}};
  for (const Option& rule : RuleOptions()) options.push_back(rule);
  if (create) return options;
  options.push_back({"any-day", "", "on any day of the week"});
  options.push_back({"no-fallback", "", "a failed message stays failed"});
  options.push_back({"no-measure-links", "", "links stay as they are written, and nobody is counted"});
  options.push_back({"etag", "ETAG", "refuse if it is not this version any more"});
  return options;
}

}  // namespace

std::vector<Command> CampaignCommands() {
  auto submit = [](Context& c) { return Do<SubmitCampaignRequest>(c, "show"); };
  return {
      {"campaign",
       "create",
       "ID",
       "A draft: audience, template, purpose.",
       {"campaign create quit-1 --audience public --template quit-1 --purpose stop-smoking --sender 60777",
        "campaign create quit-2 --audience public --template quit-2 --purpose stop-smoking --sender 60777 "
        "--channels sms,email --email-from quit@example.org --fallback",
        "campaign create quit-3 --audience public --template quit-1 --purpose stop-smoking --quiet-hours "
        "20:00-08:00 "
        "--working-days --canary 1% --canary-wait 10m",
        "campaign create booking --standing --template booked --more-templates moved --source bookings "
        "--purpose "
        "appointments --sender 60777"},
       CampaignOptions(true),
       CreateCampaign},
      {"campaign",
       "update",
       "CAMPAIGN",
       "Change it before launch; what was approved is void.",
       {"campaign update quit-1 --not-before 2026-03-01T09:00:00Z"},
       CampaignOptions(false),
       Update},
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
       {"campaign reject quit-1 --reason \"the clinic is closed in August\""},
       {{"reason", "TEXT", "what has to change, for its author"}},
       Reject},
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
       "Go on after a pause, or although its canary was held.",
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
       {"campaign watch quit-1", "campaign watch quit-1 --json"},
       {},
       WatchCampaign},
      {"campaign",
       "events",
       "CAMPAIGN",
       "What happened to its messages, oldest first.",
       {"campaign events quit-1 --person 01jd3v7m8q0000000000000000"},
       {{"person", "PERSON", "only this person's"}},
       ListEvents}};
}

}  // namespace pharos::cli
