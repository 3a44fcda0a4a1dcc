// A draft as a list of tasks, and the forms behind each.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <ctime>

#include "pharos/audience/v1/audience_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/audience_pages.h"
#include "services/edge/console/campaign_pages.h"
#include "services/edge/console/campaign_words.h"
#include "services/edge/console/try_out_pages.h"

namespace pharos::edge::console {

namespace v1 = campaign::v1;

namespace {

absl::StatusOr<audience::v1::CountAudienceResponse> CountOf(const Visit& visit,
                                                            const v1::Campaign& campaign) {
  audience::v1::CountAudienceRequest request;
  request.set_audience(campaign.audience());
  request.set_purpose(campaign.purpose());
  *request.mutable_channels() = campaign.channels();
  audience::v1::CountAudienceResponse count;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &count));
  return count;
}

Model Task(const char* id, const char* words, const std::string& about, const std::string& href, bool done,
           const char* status) {
  return {{"task_id", id},  {"words", words},
          {"about", about}, {"href", href.empty() ? Model(false) : Model(href)},
          {"done", done},   {"status", status}};
}

// The wall clock of London at a day and a minute, microseconds since the epoch.
int64_t LondonTime(const std::string& day, int minute) {
  std::tm local{};
  local.tm_year = std::atoi(day.substr(0, 4).c_str()) - 1900;
  local.tm_mon = std::atoi(day.substr(5, 2).c_str()) - 1;
  local.tm_mday = std::atoi(day.substr(8, 2).c_str());
  local.tm_min = minute;
  local.tm_isdst = -1;
  return int64_t{std::mktime(&local)} * 1'000'000;
}

std::string DayOf(int64_t wall_us) {
  if (wall_us == 0) return "";
  const std::time_t seconds = wall_us / 1'000'000;
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:04}-{:02}-{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
}

std::string ClockOf(int64_t wall_us) {
  if (wall_us == 0) return "";
  const std::time_t seconds = wall_us / 1'000'000;
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}", local.tm_hour, local.tm_min);
}

std::string ClockOfMinute(int minute) {
  return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

Field Text(const char* id, const char* label, const char* hint, std::string value) {
  Field field{Field::Kind::kText, id, label, hint};
  field.value = std::move(value);
  field.width = "govuk-input--width-5";
  return field;
}

Field Day(const char* id, const char* label, const char* hint, std::string value) {
  Field field{Field::Kind::kDate, id, label, hint};
  field.value = std::move(value);
  return field;
}

std::vector<Field> WhenFields(const v1::Campaign& campaign) {
  const type::v1::SendRules& rules = campaign.rules();
  Field start{Field::Kind::kRadios, "start", "When does it start?", ""};
  start.choices = {{"now", "As soon as it is launched", ""}, {"later", "On a day and at a time", ""}};
  start.value = campaign.not_before_us() == 0 ? "now" : "later";
  const bool quiet = rules.quiet_from_minute() != rules.quiet_until_minute();
  Field days{Field::Kind::kCheckboxes, "working_days", "Days", ""};
  days.choices = {{"1", "Only Monday to Friday, and not on bank holidays", ""}};
  if (rules.working_days_only()) days.chosen = {"1"};
  const bool fresh = !campaign.has_rules();
  return {start,
          Day("start_day", "Start day", "Only if it starts later. For example, 27 3 2027",
              DayOf(campaign.not_before_us())),
          Text("start_time", "Start time", "24 hours, for example 16:00", ClockOf(campaign.not_before_us())),
          Text("quiet_from", "Quiet hours: nothing leaves from", "For example, 20:00. Empty: at any hour",
               quiet   ? ClockOfMinute(rules.quiet_from_minute())
               : fresh ? "20:00"
                       : ""),
          Text("quiet_until", "until", "For example, 08:00",
               quiet   ? ClockOfMinute(rules.quiet_until_minute())
               : fresh ? "08:00"
                       : ""),
          days,
          Text("pace", "At most so many messages a second", "Empty: as fast as the routes allow",
               rules.most_per_second() == 0 ? "" : std::to_string(rules.most_per_second())),
          Text("canary", "Send to this percentage of people first",
               "It stops there if too many messages fail, or too many people complain or opt out. Empty: no",
               rules.canary_permille() == 0 ? "" : fmt::format("{:g}", rules.canary_permille() / 10.0)),
          Day("end_day", "Nothing is sent after", "Empty: until everybody has been written to",
              DayOf(campaign.not_after_us())),
          Text("end_time", "at", "24 hours, for example 20:00", ClockOf(campaign.not_after_us()))};
}

// A day and a time of the form as one moment; 0 if there is no day.
int64_t TakeMoment(const FormValues& form, const char* day_id, const char* time_id, FieldErrors& errors) {
  const std::string day = DateOf(form, day_id);
  if (day.empty()) return 0;
  const int minute = MinuteOfDay(form.Get(time_id));
  if (day == "?") errors.emplace_back(day_id, "Enter a real date, like 27 3 2027");
  if (minute < 0) errors.emplace_back(time_id, "Enter a time of day, like 16:00");
  return day == "?" || minute < 0 ? 0 : LondonTime(day, minute);
}

FieldErrors TakeWhen(const FormValues& form, v1::Campaign& campaign) {
  FieldErrors errors;
  type::v1::SendRules& rules = *campaign.mutable_rules();
  campaign.set_not_before_us(0);
  if (form.Get("start") == "later") {
    campaign.set_not_before_us(TakeMoment(form, "start_day", "start_time", errors));
    if (campaign.not_before_us() == 0 && errors.empty())
      errors.emplace_back("start_day", "Enter the day on which it starts");
  }
  campaign.set_not_after_us(TakeMoment(form, "end_day", "end_time", errors));
  const std::string from = form.Get("quiet_from"), until = form.Get("quiet_until");
  rules.set_quiet_from_minute(from.empty() ? 0 : MinuteOfDay(from));
  rules.set_quiet_until_minute(until.empty() ? 0 : MinuteOfDay(until));
  if (rules.quiet_from_minute() < 0 || (from.empty() && !until.empty()))
    errors.emplace_back("quiet_from", "Enter a time of day, like 20:00");
  if (rules.quiet_until_minute() < 0 || (until.empty() && !from.empty()))
    errors.emplace_back("quiet_until", "Enter a time of day, like 08:00");
  rules.set_working_days_only(form.Get("working_days") == "1");
  const std::string pace = form.Get("pace"), canary = form.Get("canary");
  rules.set_most_per_second(std::atoi(pace.c_str()));
  if (!pace.empty() && rules.most_per_second() <= 0)
    errors.emplace_back("pace", "Enter a whole number, like 50");
  rules.set_canary_permille(static_cast<int>(std::lround(std::atof(canary.c_str()) * 10)));
  if (!canary.empty() && (rules.canary_permille() <= 0 || rules.canary_permille() > 1000))
    errors.emplace_back("canary", "Enter a percentage from 0.1 to 100, like 1");
  return errors;
}

struct Step {
  const char* title;
  std::vector<Field> (*fields)(const Visit&, const v1::Campaign&);
  FieldErrors (*take)(const FormValues&, v1::Campaign&);
};
const Step kWho = {"Who is it for?", &WhoFields, &TakeWho};
const Step kWhat = {"What is sent?", &WhatFields, &TakeWhat};
const Step kWhen = {"When is it sent?",
                    [](const Visit&, const v1::Campaign& campaign) { return WhenFields(campaign); },
                    &TakeWhen};

Reply StepPage(Visit& visit, const Step& step, const v1::Campaign& campaign, const FieldErrors& errors) {
  PageOfBlocks page(visit, step.title, CampaignPath(visit));
  page.Caption(NameForPeople(campaign));
  FormBlock form;
  if (campaign.state() == v1::IN_REVIEW || campaign.state() == v1::APPROVED)
    form.warning = "If you save, the campaign is a draft again, and what was approved is void.";
  form.fields = step.fields(visit, campaign);
  form.fields.push_back({Field::Kind::kHidden, "etag"});
  form.fields.back().value = campaign.etag();
  if (visit.request.method == "POST") Refill(form.fields, visit.form);
  form.submits = {{"Save and continue", "act", "save"}};
  form.errors = errors;
  page.Add(form);
  AddCopyAs(page.model(),
            fmt::format("pharos campaign update {} --quiet-hours 20:00-08:00 --working-days --canary 1%",
                        visit.args[0]),
            "campaign.v1.CampaignService/UpdateCampaign",
            fmt::format(
                R"j({{"campaign": {{"name": "{}", "etag": "{}", "…": "everything that people may set"}}}})j",
                campaign.name(), campaign.etag()));
  return errors.empty() ? page.Show() : page.ShowWith(errors);
}

absl::StatusOr<Reply> SaveStep(Visit& visit, const Step& step) {
  v1::UpdateCampaignRequest request;
  PHAROS_ASSIGN_OR_RETURN(*request.mutable_campaign(), GetCampaign(visit));
  v1::Campaign& campaign = *request.mutable_campaign();
  if (const FieldErrors errors = step.take(visit.form, campaign); !errors.empty())
    return StepPage(visit, step, campaign, errors);
  campaign.set_etag(visit.form.Get("etag"));
  request.set_request_id(visit.form.Get("request_id"));
  v1::Campaign changed;
  const absl::Status status = visit.Call(request, &changed);
  if (status.ok()) return Go(CampaignPath(visit), "Saved.");
  if (!IsMendable(status)) return status;
  return StepPage(visit, step, campaign, {{"", WordsOf(status)}});
}

template <const Step& step>
absl::StatusOr<Reply> ShowStep(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Campaign campaign, GetCampaign(visit));
  return StepPage(visit, step, campaign, {});
}

template <const Step& step>
absl::StatusOr<Reply> TakeStep(Visit& visit) {
  return SaveStep(visit, step);
}

absl::StatusOr<Reply> CheckPage(Visit& visit, const v1::Campaign& campaign, const FieldErrors& errors) {
  PageOfBlocks page(visit, "Check your answers", CampaignPath(visit));
  page.Caption(NameForPeople(campaign));
  page.Add(SummaryOf(visit, campaign, true));
  if (visit.May("audiences.count")) AddFunnel(page, "funnel", CountOf(visit, campaign));
  page.Add("_template_preview", PreviewOfCampaign(visit, campaign));
  page.Add(TryOutSection(visit, campaign.template_(), campaign.template_version(), campaign.name()));
  FormBlock form;
  form.heading = "Ask for approval";
  form.warning =
      "The people are fixed when you ask. Somebody else then approves exactly this. Nothing is sent before "
      "it is launched.";
  form.submits = {{"Ask for approval", "act", "submit"}};
  page.Add(form);
  AddCopyAs(page.model(), "pharos campaign submit " + visit.args[0],
            "campaign.v1.CampaignService/SubmitCampaign",
            fmt::format(R"({{"name": "{}"}})", campaign.name()));
  return errors.empty() ? page.Show() : page.ShowWith(errors);
}

absl::StatusOr<Reply> ShowCheck(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Campaign campaign, GetCampaign(visit));
  if (campaign.state() != v1::DRAFT) return Go(CampaignPath(visit));
  return CheckPage(visit, campaign, {});
}

absl::StatusOr<Reply> AskForApproval(Visit& visit) {
  v1::SubmitCampaignRequest request;
  request.set_name("campaigns/" + visit.args[0]);
  request.set_request_id(visit.form.Get("request_id"));
  v1::Campaign campaign;
  const absl::Status status = visit.Call(request, &campaign);
  if (status.ok())
    return Go(CampaignPath(visit),
              fmt::format("Sent for approval: {}.", MessagesInWords(campaign.members(), campaign)));
  if (!IsMendable(status)) return status;
  PHAROS_ASSIGN_OR_RETURN(campaign, GetCampaign(visit));
  return CheckPage(visit, campaign, {{"", WordsOf(status)}});
}

}  // namespace

absl::StatusOr<Reply> ShowDraft(Visit& visit, const v1::Campaign& campaign) {
  PageOfBlocks page(visit, NameForPeople(campaign), "/console/campaigns");
  page.State(StateInWords(campaign.state()), StateColour(campaign.state()));
  if (!campaign.returned_reason().empty()) {
    Section returned;
    returned.heading = "Sent back by " + base::Segment(campaign.returned_by(), "principals");
    returned.paragraphs = {campaign.returned_reason()};
    page.Add(returned);
  }
  if (!visit.May("campaigns.write")) {
    Section words = SummaryOf(visit, campaign, false);
    words.paragraphs = {"It is still being written. You can decide on it once its author asks for approval."};
    page.Add(words);
    return page.Show();
  }
  const std::string path = CampaignPath(visit);
  const bool timed = campaign.has_rules() || campaign.not_before_us() != 0;
  Model tasks = Model::array();
  const std::string who = base::Segment(campaign.audience(), "audiences"),
                    purpose = base::Segment(campaign.purpose(), "purposes");
  tasks.push_back(Task("who", "Who", who + ", for " + purpose, path + "/who", true, ""));
  tasks.push_back(Task("what", "What",
                       base::Segment(campaign.template_(), "templates") + ". " + ChannelsInWords(campaign),
                       path + "/what", true, ""));
  tasks.push_back(Task("when", "When",
                       timed ? RulesOf(campaign)[0].how : "Start, quiet hours, days, pace, a few first",
                       path + "/when", timed, "Not yet started"));
  tasks.push_back(Task("check", "Check your answers and ask for approval",
                       timed ? "" : "You can ask once you have said when", timed ? path + "/check" : "",
                       false, timed ? "Not yet started" : "Cannot start yet"));
  page.Add("_task_list", {{"tasks", tasks}});
  AddCopyAs(page.model(), fmt::format("pharos campaign show {0}\npharos campaign submit {0}", visit.args[0]),
            "campaign.v1.CampaignService/GetCampaign", fmt::format(R"({{"name": "{}"}})", campaign.name()));
  return page.Show();
}

void AddCampaignEditPages(Routes& routes) {
  routes.Get("/console/campaigns/{}/who", "campaigns.write", &ShowStep<kWho>);
  routes.Post("/console/campaigns/{}/who", "campaigns.write", &TakeStep<kWho>);
  routes.Get("/console/campaigns/{}/what", "campaigns.write", &ShowStep<kWhat>);
  routes.Post("/console/campaigns/{}/what", "campaigns.write", &TakeStep<kWhat>);
  routes.Get("/console/campaigns/{}/when", "campaigns.write", &ShowStep<kWhen>);
  routes.Post("/console/campaigns/{}/when", "campaigns.write", &TakeStep<kWhen>);
  routes.Get("/console/campaigns/{}/check", "campaigns.write", &ShowCheck);
  routes.Post("/console/campaigns/{}/check", "campaigns.write", &AskForApproval);
}

}  // namespace pharos::edge::console
