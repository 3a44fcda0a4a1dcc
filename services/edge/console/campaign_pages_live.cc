// A campaign that was launched: its numbers as they change, and the ways to hold and to end it.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "services/base/errors.h"
#include "services/edge/console/campaign_pages.h"
#include "services/edge/console/campaign_words.h"

namespace pharos::edge::console {

namespace v1 = campaign::v1;

namespace {

constexpr auto kPause = std::chrono::milliseconds(500);  // between looks while the page is open

int64_t Sum(const google::protobuf::Map<std::string, int64_t>& reasons) {
  int64_t sum = 0;
  for (const auto& [reason, number] : reasons) sum += number;
  return sum;
}

Table ReasonTable(const char* caption, const google::protobuf::Map<std::string, int64_t>& reasons) {
  Table table{caption, Heads({"Why", "#Messages"}), {}, ""};
  const std::map<std::string, int64_t> sorted(reasons.begin(), reasons.end());
  for (const auto& [reason, number] : sorted)
    table.rows.push_back({{ReasonForPeople(reason)}, Number(number)});
  return table;
}

Model NumbersOf(const v1::Report& report) {
  Model boxes = Model::array();
  const auto box = [&](const char* words, int64_t number) {
    boxes.push_back({{"words", words}, {"number", Thousands(number)}});
  };
  box("waiting", report.pending());
  box("in flight", report.in_flight());
  box("sent, no receipt yet", report.sent());
  box("delivered", report.delivered());
  box("failed", Sum(report.failed()));
  box("not sent", Sum(report.withheld()));
  box("unconfirmed", report.unconfirmed());
  box("opted out", report.opted_out());
  Section section;
  if (!report.failed().empty()) section.tables.push_back(ReasonTable("Failed, by reason", report.failed()));
  if (!report.withheld().empty())
    section.tables.push_back(ReasonTable("Not sent, by reason", report.withheld()));
  if (report.state() == v1::STOPPED) {
    v1::StopCampaignResponse account;
    account.set_left(report.sent() + report.delivered() + Sum(report.failed()) + report.unconfirmed());
    account.set_in_flight(report.in_flight());
    const auto at = report.withheld().find("STOPPED");
    account.set_not_sent(at == report.withheld().end() ? 0 : at->second);
    return {{"boxes", boxes}, {"tables", ModelOf(section)["tables"]}, {"held", StoppedInWords(account)}};
  }
  return {{"boxes", boxes},
          {"tables", ModelOf(section)["tables"]},
          {"held", report.held().empty() ? Model(false) : Model("Held: " + report.held())}};
}

void AddControls(PageOfBlocks& page, const Visit& visit, const v1::Campaign& campaign, bool held) {
  if (!visit.May("campaigns.run")) return;
  const std::string path = CampaignPath(visit);
  const bool paused = campaign.state() == v1::PAUSED;
  FormBlock hold;
  hold.heading = "Hold it";
  hold.action = path + "/steer";
  hold.submits = {{paused ? "Resume" : "Pause", "act", paused ? "resume" : "pause", true}};
  if (!paused && held) hold.submits.push_back({"Go on although it is held", "act", "resume", true});
  page.Add(hold);
  FormBlock stop;
  stop.heading = "Stop it";
  stop.warning =
      "Stopping is for good: what has not left will not go, and the campaign cannot be started again.";
  stop.action = path + "/steer";
  stop.submits = {{"Stop sending", "act", "stop", false, true}};
  page.Add(stop);
}

absl::StatusOr<Reply> LivePage(Visit& visit, const v1::Campaign& campaign, const FieldErrors& errors) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Report report, GetReport(visit));
  const bool going = campaign.state() == v1::RUNNING || campaign.state() == v1::PAUSED;
  PageOfBlocks page(visit, NameForPeople(campaign), "/console/campaigns");
  page.State(StateInWords(campaign.state()), StateColour(campaign.state()));
  if (going || report.in_flight() > 0) page.Stream(CampaignPath(visit) + "/stream");
  page.AddInto("numbers", "_live_numbers", NumbersOf(report));
  if (going) AddControls(page, visit, campaign, !report.held().empty());
  Section more;
  more.buttons = {{"See the report", CampaignPath(visit) + "/report", true}};
  page.Add(more);
  Section summary = SummaryOf(visit, campaign, false);
  summary.heading = "What was approved";
  page.Add(summary);
  AddCopyAs(page.model(), fmt::format("pharos campaign watch {0}\npharos campaign stop {0}", visit.args[0]),
            "campaign.v1.CampaignService/GetReport", fmt::format(R"({{"name": "{}"}})", campaign.name()));
  return errors.empty() ? page.Show() : page.ShowWith(errors);
}

absl::StatusOr<Reply> Stream(Visit& visit) {
  return Events([&backend = visit.backend, who = visit.credential(),
                 name = "campaigns/" + visit.args[0]](Model& changes) {
    std::this_thread::sleep_for(kPause);
    v1::GetReportRequest request;
    request.set_name(name);
    v1::Report report;
    if (!backend.Call(who, request, &report).ok()) return false;  // the browser comes back
    changes["numbers"] = Fill("_live_numbers", NumbersOf(report));
    changes["state"] = fmt::format("<strong class=\"govuk-tag govuk-tag--{}\">{}</strong>",
                                   StateColour(report.state()), StateInWords(report.state()));
    return true;
  });
}

template <typename Request>
absl::StatusOr<std::string> Do(const Visit& visit, const char* notice) {
  Request request;
  request.set_name("campaigns/" + visit.args[0]);
  request.set_request_id(visit.form.Get("request_id"));
  v1::Campaign campaign;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &campaign));
  return std::string(notice);
}

absl::StatusOr<std::string> Stop(const Visit& visit) {
  v1::StopCampaignRequest request;
  request.set_name("campaigns/" + visit.args[0]);
  request.set_request_id(visit.form.Get("request_id"));
  v1::StopCampaignResponse stopped;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &stopped));
  return StoppedInWords(stopped);
}

absl::StatusOr<Reply> Steer(Visit& visit) {
  const std::string act = visit.form.Get("act");
  const absl::StatusOr<std::string> done =
      act == "stop" ? Stop(visit)
      : act == "resume"
          ? Do<v1::ResumeCampaignRequest>(visit, "Sending goes on.")
          : Do<v1::PauseCampaignRequest>(visit, "Paused: nothing more leaves until you resume.");
  if (done.ok()) return Go(CampaignPath(visit), *done);
  if (!IsMendable(done.status())) return done.status();
  PHAROS_ASSIGN_OR_RETURN(const v1::Campaign campaign, GetCampaign(visit));
  return LivePage(visit, campaign, {{"", WordsOf(done.status())}});
}

}  // namespace

absl::StatusOr<Reply> ShowLive(Visit& visit, const v1::Campaign& campaign) {
  return LivePage(visit, campaign, {});
}

void AddCampaignLivePages(Routes& routes) {
  routes.Get("/console/campaigns/{}/stream", "campaigns.read", &Stream);
  routes.Post("/console/campaigns/{}/steer", "campaigns.run", &Steer);
}

}  // namespace pharos::edge::console
