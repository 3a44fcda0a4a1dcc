// What became of a campaign, and whom it reached: tables first, bars beside them, files to take away.
#include <fmt/format.h>

#include <algorithm>

#include "pharos/audience/v1/audience_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/area_names.h"
#include "services/edge/console/audience_pages.h"
#include "services/edge/console/campaign_pages.h"
#include "services/edge/console/campaign_words.h"

namespace pharos::edge::console {

namespace v1 = campaign::v1;

namespace {

struct Lens {
  const char *field, *caption, *first;
  std::vector<std::string> edges;
};
const std::vector<Lens>& Lenses() {
  static const auto* lenses = new std::vector<Lens>{
      {"deprivation", "Reach by deprivation", "Decile (1: the most deprived tenth)", {}},
      {"age", "Reach by age", "Age", {"0", "18", "30", "40", "50", "65", "75"}},
      {"region", "Reach by region", "Region", {}},
      {"area", "Reach by area", "Area", {}}};
  return *lenses;
}

struct Outcome {
  std::string what, why;
  int64_t number;
};

std::vector<Outcome> OutcomesOf(const v1::Report& report) {
  std::vector<Outcome> list = {
      {"Delivered", "", report.delivered()},
      {"Sent, no receipt", "", report.sent()},
      {"Waiting", "", report.pending()},
      {"In flight", "", report.in_flight()},
      {"Unconfirmed", "It may have been sent, so it is not sent again", report.unconfirmed()}};
  const auto add = [&](const char* what, const google::protobuf::Map<std::string, int64_t>& reasons) {
    for (const auto& [reason, number] : std::map<std::string, int64_t>(reasons.begin(), reasons.end()))
      list.push_back({what, ReasonForPeople(reason), number});
  };
  add("Failed", report.failed());
  add("Not sent", report.withheld());
  add("Left out before sending", report.excluded());
  return list;
}

absl::StatusOr<audience::v1::BreakDownAudienceResponse> Reach(const Visit& visit,
                                                              const v1::Campaign& campaign,
                                                              const Lens& lens) {
  audience::v1::BreakDownAudienceRequest request;
  request.set_audience(campaign.audience());
  audience::v1::Dimension& dimension = *request.add_dimensions();
  dimension.set_field(lens.field);
  for (const std::string& edge : lens.edges) dimension.add_edges(edge);
  for (const char* event : {"delivered", "opted_out"}) {
    audience::v1::Measure& measure = *request.add_measures();
    measure.set_name(event);
    measure.set_filter(fmt::format("engaged(\"{}\", {})", campaign.name(), event));
  }
  audience::v1::BreakDownAudienceResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  return response;
}

// Delivered to so many of a group; below 0 where it may not be told.
double ShareOf(const audience::v1::Cell& cell) {
  const bool told = cell.people().certainty() != audience::v1::Figure::SUPPRESSED &&
                    cell.measures(0).certainty() != audience::v1::Figure::SUPPRESSED;
  return !told || cell.people().value() <= 0
             ? -1
             : static_cast<double>(cell.measures(0).value()) / static_cast<double>(cell.people().value());
}

void AddReach(PageOfBlocks& page, const Visit& visit, const v1::Campaign& campaign, const Lens& lens) {
  const auto table = Reach(visit, campaign, lens);
  Section below;
  if (!table.ok()) {
    below.paragraphs = {fmt::format("{} cannot be shown now: {}", lens.caption, WordsOf(table.status()))};
    return page.Add(below);
  }
  std::vector<audience::v1::Cell> cells(table->cells().begin(), table->cells().end());
  std::stable_sort(cells.begin(), cells.end(),
                   [](const auto& a, const auto& b) { return KeyComesFirst(a.keys(0), b.keys(0)); });
  const AreaNames names = NamesFor(visit, lens.field);
  std::vector<BarRow> rows;
  for (const auto& cell : cells) {
    if (cell.measures_size() < 2) continue;
    const double share = ShareOf(cell);
    const std::string key = BandInWords(names.WithCode(cell.keys(0)), lens.edges);
    rows.push_back(
        {key,
         {FigureInWords(cell.people()), FigureInWords(cell.measures(0)), FigureInWords(cell.measures(1)),
          share < 0 ? "not shown" : fmt::format("{:.0f}%", share * 100)},
         share});
  }
  page.Add("_bar_table",
           BarTable(lens.caption, lens.first, {"People in the audience", "Delivered", "Opted out", "Reached"},
                    "Reached, of 100%", rows));
  if (!table->rule_set().empty())
    below.paragraphs = {
        "Numbers are rounded, and those that could tell of somebody are not shown. “Not shown” is not 0."};
  below.buttons = {{fmt::format("Download {} as CSV", lens.field),
                    fmt::format("{}/reach/{}", CampaignPath(visit), lens.field), true}};
  page.Add(below);
}

// Each link as it was approved. Addresses as text: who reads a report is not sent anywhere.
void AddLinks(PageOfBlocks& page, const v1::Report& report) {
  if (report.followed_links().empty()) return;
  Section head;
  head.heading = "Links followed by people";
  head.paragraphs = {
      fmt::format("{} of the people written to followed a link. Only people who agreed to be "
                  "measured are counted: it says nothing of the others.",
                  Thousands(report.followed()))};
  page.Add(head);
  std::vector<BarRow> rows;
  const auto all = static_cast<double>(std::max<int64_t>(1, report.followed()));
  for (const v1::FollowedLink& link : report.followed_links())
    rows.push_back({link.url(), {Thousands(link.followed())}, static_cast<double>(link.followed()) / all});
  page.Add("_bar_table", BarTable("People who followed each link, once for each person", "Link", {"People"},
                                  "Of those who followed any", rows));
}

// With the packages that answer in tables.
void AddForAnalysts(PageOfBlocks& page, const std::string& campaign) {
  const std::string filter = QuotedForCode(fmt::format("engaged(\"campaigns/{}\", delivered)", campaign));
  page.model()["copy_as"].push_back(
      {{"name", "Python, with pharos_analyst"},
       {"text", fmt::format("import pharos_analyst\n"
                            "pharos = pharos_analyst.connect(address, token_file=token_file)\n"
                            "print(pharos.count({}, by=[\"deprivation\"]))",
                            filter)}});
  page.model()["copy_as"].push_back(
      {{"name", "R, with pharosr"},
       {"text", fmt::format("library(pharosr)\n"
                            "con <- pharos_connect(url, token_file = token_file)\n"
                            "pharos_counts(con, {}, by = \"deprivation\")",
                            filter)}});
}

absl::StatusOr<Reply> ShowReport(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Campaign campaign, GetCampaign(visit));
  PHAROS_ASSIGN_OR_RETURN(const v1::Report report, GetReport(visit));
  PageOfBlocks page(visit, "Report: " + NameForPeople(campaign), CampaignPath(visit));
  page.State(StateInWords(campaign.state()), StateColour(campaign.state()));
  page.Add("_report_head", {{"headline", HeadlineOf(report)}, {"csv", CampaignPath(visit) + "/report.csv"}});
  std::vector<BarRow> rows;
  const double all = report.matched() > 0 ? static_cast<double>(report.matched())
                                          : std::max<double>(1, static_cast<double>(report.intents()));
  for (const Outcome& outcome : OutcomesOf(report))
    rows.push_back({outcome.why.empty() ? outcome.what : outcome.what + ": " + outcome.why,
                    {Thousands(outcome.number)},
                    static_cast<double>(outcome.number) / all});
  page.Add("_bar_table",
           BarTable(fmt::format("What became of {} people who matched", Thousands(report.matched())), "What",
                    {"People"}, "Of all", rows));
  Section money;
  money.facts = {{"Message parts", {Thousands(report.parts())}, "", ""},
                 {"Cost, by the routes' prices", {MoneyInWords(report.cost_micropounds())}, "", ""},
                 {"Opted out afterwards", {Thousands(report.opted_out())}, "", ""},
                 {"Complaints", {Thousands(report.complained())}, "", ""}};
  if (visit.May("replies.read"))
    money.buttons = {
        {"What people wrote back", "/console/inbox?state=ALL&campaign=" + EscapeForUrl(visit.args[0]), true}};
  page.Add(money);
  AddLinks(page, report);
  if (campaign.kind() != type::v1::STANDING && visit.May("audiences.count")) {
    Section heading;
    heading.heading = "Who was reached, and who was not";
    heading.paragraphs = {"Of everybody whom the audience describes now, by what is known of them."};
    page.Add(heading);
    for (const Lens& lens : Lenses()) AddReach(page, visit, campaign, lens);
  }
  AddCopyAs(page.model(),
            fmt::format("pharos campaign report {0}\npharos audience breakdown --filter "
                        "'engaged(\"campaigns/{0}\", delivered)' --by deprivation",
                        visit.args[0]),
            "campaign.v1.CampaignService/GetReport", fmt::format(R"({{"name": "{}"}})", campaign.name()));
  AddForAnalysts(page, visit.args[0]);
  return page.Show();
}

absl::StatusOr<Reply> DownloadReport(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Report report, GetReport(visit));
  std::string csv = "what,why,people\r\n";
  for (const Outcome& outcome : OutcomesOf(report))
    csv += fmt::format("{},{},{}\r\n", CsvCell(outcome.what), CsvCell(outcome.why), outcome.number);
  for (const v1::FollowedLink& link : report.followed_links())
    csv += fmt::format("{},{},{}\r\n", CsvCell("Link followed"), CsvCell(link.url()), link.followed());
  return Download(visit.args[0] + ".csv", "text/csv; charset=utf-8", csv);
}

std::string Raw(const audience::v1::Figure& figure) {
  return figure.certainty() == audience::v1::Figure::SUPPRESSED ? "" : std::to_string(figure.value());
}

absl::StatusOr<Reply> DownloadReach(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Campaign campaign, GetCampaign(visit));
  for (const Lens& lens : Lenses()) {
    if (visit.args[1] != lens.field) continue;
    PHAROS_ASSIGN_OR_RETURN(const audience::v1::BreakDownAudienceResponse table,
                            Reach(visit, campaign, lens));
    const AreaNames names = NamesFor(visit, lens.field);
    std::string csv = std::string(lens.field) + ",name,people,delivered,opted_out,rule_set\r\n";
    for (const auto& cell : table.cells())
      if (cell.measures_size() >= 2)
        csv +=
            fmt::format("{},{},{},{},{},{}\r\n", CsvCell(cell.keys(0)), CsvCell(names.Of(cell.keys(0))),
                        Raw(cell.people()), Raw(cell.measures(0)), Raw(cell.measures(1)), table.rule_set());
    return Download(fmt::format("{}-{}.csv", visit.args[0], lens.field), "text/csv; charset=utf-8", csv);
  }
  return Go(CampaignPath(visit) + "/report");
}

}  // namespace

void AddCampaignReportPages(Routes& routes) {
  routes.Get("/console/campaigns/{}/report", "campaigns.read", &ShowReport);
  routes.Get("/console/campaigns/{}/report.csv", "campaigns.read", &DownloadReport);
  routes.Get("/console/campaigns/{}/reach/{}", "audiences.count", &DownloadReach);
}

}  // namespace pharos::edge::console
