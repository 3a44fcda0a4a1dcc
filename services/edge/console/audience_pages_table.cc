// An audience by up to two fields: a table as it may be told, bars beside it, and the same as a file.
#include <fmt/format.h>

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/console/area_names.h"
#include "services/edge/console/audience_pages.h"
#include "services/edge/console/campaign_words.h"

namespace pharos::edge::console {
namespace {

namespace v1 = audience::v1;

constexpr int kMostDimensions = 2;  // more cannot be read on a page; programs may have four
constexpr char kAges[] = "18,30,40,50,65,75";

std::vector<Choice> Dimensions(const Visit& visit, bool may_be_none) {
  std::vector<Choice> choices;
  if (may_be_none) choices.push_back({"", "Nothing else", ""});
  v1::ListFieldsResponse response;
  if (!visit.Call(v1::ListFieldsRequest(), &response).ok()) return choices;
  for (const v1::Field& field : response.fields()) {
    if (field.type() != "string" && field.type() != "set" && field.type() != "int") continue;
    if (field.name() == "person" || field.name() == "postcode") continue;
    std::string words = field.name();
    std::replace(words.begin(), words.end(), '_', ' ');
    choices.push_back({field.name(), words, ""});
  }
  return choices;
}

std::string Or(std::string text, std::string_view other) {
  return text.empty() ? std::string(other) : text;
}

absl::StatusOr<v1::BreakDownAudienceResponse> Ask(const Visit& visit) {
  v1::BreakDownAudienceRequest request;
  request.set_audience("audiences/" + visit.args[0]);
  const std::string by[kMostDimensions] = {Or(visit.query.Get("by"), "deprivation"), visit.query.Get("and")};
  for (const std::string& field : by) {
    if (field.empty()) continue;
    v1::Dimension& dimension = *request.add_dimensions();
    dimension.set_field(field);
    if (field != "age") continue;
    for (const std::string& edge : base::Split(Or(visit.query.Get("edges"), kAges), ','))
      dimension.add_edges(std::string(base::TrimAscii(edge)));
  }
  v1::BreakDownAudienceResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  return response;
}

// By the fields of the table, in their order.
std::vector<AreaNames> NamesOf(const Visit& visit) {
  return {NamesFor(visit, Or(visit.query.Get("by"), "deprivation")), NamesFor(visit, visit.query.Get("and"))};
}

std::string KeyOf(const v1::Cell& cell, const std::vector<AreaNames>& names) {
  std::string key;
  for (int i = 0; i < cell.keys_size(); ++i)
    key += (key.empty() ? "" : " · ") +
           (cell.keys(i).empty() ? "not known" : names[static_cast<size_t>(i)].WithCode(cell.keys(i)));
  return key;
}

void AddTable(PageOfBlocks& page, const Visit& visit, const v1::BreakDownAudienceResponse& table) {
  int64_t most = 1;
  for (const v1::Cell& cell : table.cells()) most = std::max(most, cell.people().value());
  std::vector<v1::Cell> cells(table.cells().begin(), table.cells().end());
  if (!cells.empty() && cells[0].keys_size() == 1)
    std::stable_sort(cells.begin(), cells.end(), [](const v1::Cell& a, const v1::Cell& b) {
      return KeyComesFirst(a.keys(0), b.keys(0));
    });
  const std::vector<AreaNames> names = NamesOf(visit);
  std::vector<BarRow> rows;
  for (const v1::Cell& cell : cells) {
    const bool told = cell.people().certainty() != v1::Figure::SUPPRESSED;
    rows.push_back({KeyOf(cell, names),
                    {FigureInWords(cell.people())},
                    told ? static_cast<double>(cell.people().value()) / static_cast<double>(most) : -1});
  }
  rows.push_back({"All", {FigureInWords(table.total())}, 0});
  page.Add("_bar_table", BarTable("People by " + Or(visit.query.Get("by"), "deprivation"), "Group",
                                  {"People"}, "Share of the largest", rows));
  if (table.rule_set().empty()) return;
  Section words;
  words.paragraphs = {
      fmt::format("Numbers are protected by the rule set {}: they are rounded, and those that could tell of "
                  "somebody are not shown. “Not shown” is not 0.",
                  table.rule_set())};
  page.Add(words);
}

absl::StatusOr<Reply> ShowTable(Visit& visit) {
  const auto table = Ask(visit);
  if (!table.ok() && !IsMendable(table.status())) return table.status();
  PageOfBlocks page(visit, "Break an audience down", "/console/audiences/" + visit.args[0]);
  Field by{Field::Kind::kSelect, "by", "By", ""}, second{Field::Kind::kSelect, "and", "And by", ""},
      edges{Field::Kind::kText, "edges", "Ages from", ""};
  by.choices = Dimensions(visit, false);
  by.value = Or(visit.query.Get("by"), "deprivation");
  second.choices = Dimensions(visit, true);
  second.value = visit.query.Get("and");
  edges.value = Or(visit.query.Get("edges"), kAges);
  FormPage form;
  form.fields = {by, second, edges};
  const std::string path = fmt::format("/console/audiences/{}/table", visit.args[0]);
  Model model = ModelOf(form);
  page.Add("_choose", model);
  if (table.ok()) AddTable(page, visit, *table);
  Section below;
  const std::string query = fmt::format("?by={}&and={}&edges={}", EscapeForUrl(by.value),
                                        EscapeForUrl(second.value), EscapeForUrl(edges.value));
  if (table.ok()) below.buttons = {{"Download as CSV", path + ".csv" + query, true}};
  page.Add(below);
  AddCopyAs(page.model(),
            fmt::format("pharos audience breakdown {} --by {}{}", visit.args[0], by.value,
                        by.value == "age" ? ":" + edges.value : ""),
            "audience.v1.AudienceService/BreakDownAudience",
            fmt::format(R"j({{"audience": "audiences/{}", "dimensions": [{{"field": "{}"}}]}})j",
                        visit.args[0], by.value));
  return table.ok() ? page.Show() : page.ShowWith({{"by", WordsOf(table.status())}});
}

absl::StatusOr<Reply> DownloadTable(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::BreakDownAudienceResponse table, Ask(visit));
  const std::vector<AreaNames> names = NamesOf(visit);
  std::string csv = "group,people,how_told\r\n";
  for (const v1::Cell& cell : table.cells()) {
    const v1::Figure& people = cell.people();
    const bool told = people.certainty() != v1::Figure::SUPPRESSED;
    csv +=
        fmt::format("{},{},{}\r\n", CsvCell(KeyOf(cell, names)), told ? std::to_string(people.value()) : "",
                    people.rule().empty() ? "exact" : people.rule());
  }
  return Download(visit.args[0] + ".csv", "text/csv; charset=utf-8", csv);
}

}  // namespace

void AddAudienceTablePages(Routes& routes) {
  routes.Get("/console/audiences/{}/table", "audiences.count", &ShowTable);
  routes.Get("/console/audiences/{}/table.csv", "audiences.count", &DownloadTable);
}

}  // namespace pharos::edge::console
