// Audiences: the list, one of them with what it means, its versions, a few people of it.
#include "services/edge/console/audience_pages.h"

#include <fmt/format.h>

#include "pharos/customer/v1/purpose_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/campaign_words.h"

namespace pharos::edge::console {

namespace v1 = audience::v1;

std::string NameForPeople(const v1::Audience& audience) {
  return audience.display_name().empty() ? base::Segment(audience.name(), "audiences")
                                         : audience.display_name();
}

std::string FigureInWords(const v1::Figure& figure) {
  if (figure.certainty() == v1::Figure::SUPPRESSED) return "not shown";
  return (figure.certainty() == v1::Figure::ROUNDED ? "about " : "") + Thousands(figure.value());
}

std::vector<Choice> PurposeChoices(const Visit& visit, const std::string& nothing) {
  std::vector<Choice> choices = {{"", nothing, ""}};
  customer::v1::ListPurposesRequest request;
  request.set_page_size(1'000);
  customer::v1::ListPurposesResponse response;
  if (!visit.May("purposes.read") || !visit.Call(request, &response).ok()) return choices;
  for (const auto& purpose : response.purposes()) {
    if (purpose.retire_time_us() != 0) continue;
    choices.push_back(
        {purpose.name(),
         purpose.display_name().empty() ? base::Segment(purpose.name(), "purposes") : purpose.display_name(),
         ""});
  }
  return choices;
}

Model FunnelModel(const absl::StatusOr<v1::CountAudienceResponse>& count) {
  if (!count.ok()) return {{"problem", WordsOf(count.status())}};
  const v1::Figure& figure = count->figure();
  Model model = {
      {"matched", figure.certainty() == v1::Figure::CERTAINTY_UNSPECIFIED ? Thousands(count->matched())
                                                                          : FigureInWords(figure)},
      {"one", count->matched() == 1},
      {"protected",
       figure.certainty() == v1::Figure::ROUNDED || figure.certainty() == v1::Figure::SUPPRESSED}};
  if (count->members() == 0 && count->excluded().empty()) return model;
  std::vector<BarRow> rows;
  const double all = count->matched() > 0 ? static_cast<double>(count->matched()) : 1;
  for (const FunnelStep& step :
       FunnelOf(count->matched(), {count->excluded().begin(), count->excluded().end()})) {
    const bool taken = !step.reason.empty() && step.reason != "ALLOW";
    rows.push_back(
        {step.words, {(taken ? "− " : "") + Thousands(step.number)}, static_cast<double>(step.left) / all});
  }
  model["funnel"] = Fill("_bar_table", BarTable("Who may be written to", "What", {"People"}, "Left", rows));
  return model;
}

void AddFunnel(PageOfBlocks& page, std::string_view into,
               const absl::StatusOr<v1::CountAudienceResponse>& count) {
  page.AddInto(into, "_funnel", FunnelModel(count));
}

namespace {

absl::StatusOr<Reply> ShowAudiences(Visit& visit) {
  v1::ListAudiencesRequest request;
  request.set_page_token(visit.query.Get("page"));
  v1::ListAudiencesResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  if (visit.May("audiences.write")) section.buttons = {{"New audience", "/console/audiences/new"}};
  if (!visit.May("audiences.write")) section.buttons = {{"Try a filter", "/console/audiences/new", true}};
  Table table{
      "All audiences", Heads({"Audience", "Who", "#Version", "Saved"}), {}, "There are no audiences yet."};
  for (const v1::Audience& audience : response.audiences())
    table.rows.push_back(
        {Link(NameForPeople(audience), "/console/audiences/" + base::Segment(audience.name(), "audiences")),
         {audience.filter().empty() ? "Everybody" : audience.filter()},
         Number(audience.version()),
         {DayInWords(audience.create_time_us())}});
  section.tables = {table};
  PageOfBlocks page(visit, "Audiences");
  page.Add(section);
  AddNextPage(page.model(), "/console/audiences", response.next_page_token());
  AddCopyAs(page.model(), "pharos audience list", "audience.v1.AudienceService/ListAudiences", "{}");
  return page.Show();
}

absl::StatusOr<v1::Audience> Get(const Visit& visit) {
  v1::GetAudienceRequest request;
  request.set_name("audiences/" + visit.args[0]);
  v1::Audience audience;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &audience));
  return audience;
}

absl::StatusOr<Reply> ShowAudience(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Audience audience, Get(visit));
  const std::string path = "/console/audiences/" + visit.args[0];
  PageOfBlocks page(visit, NameForPeople(audience), "/console/audiences");
  Section facts;
  facts.facts = {{"Who", {audience.filter().empty() ? "Everybody" : audience.filter()}, "", ""},
                 {"Version",
                  {fmt::format("{}, saved {}", audience.version(), TimeInWords(audience.create_time_us())),
                   path + "/versions"},
                  "",
                  ""}};
  if (visit.May("audiences.write")) facts.buttons.push_back({"Change this audience", path + "/edit"});
  facts.buttons.push_back({"Break it down", path + "/table", true});
  if (visit.May("audiences.preview")) facts.buttons.push_back({"See example people", path + "/people", true});
  page.Add(facts);
  if (visit.May("audiences.count")) {
    v1::CountAudienceRequest request;
    request.set_audience(audience.name());
    v1::CountAudienceResponse count;
    const absl::Status asked = visit.Call(request, &count);
    AddFunnel(page, "funnel", asked.ok() ? absl::StatusOr<v1::CountAudienceResponse>(count) : asked);
  }
  AddCopyAs(page.model(), fmt::format("pharos audience count {} --purpose stop-smoking", visit.args[0]),
            "audience.v1.AudienceService/CountAudience",
            fmt::format(R"({{"audience": "{}"}})", audience.name()));
  return page.Show();
}

absl::StatusOr<Reply> ShowVersions(Visit& visit) {
  v1::ListAudienceVersionsRequest request;
  request.set_audience("audiences/" + visit.args[0]);
  v1::ListAudienceVersionsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Table table{"Newest first", Heads({"Version", "Saved", "Name", "Who"}), {}, ""};
  for (const v1::Audience& audience : response.versions())
    table.rows.push_back({{std::to_string(audience.version())},
                          {TimeInWords(audience.create_time_us())},
                          {NameForPeople(audience)},
                          {audience.filter().empty() ? "Everybody" : audience.filter()}});
  Section section;
  section.tables = {table};
  PageOfBlocks page(visit, "Versions of " + visit.args[0], "/console/audiences/" + visit.args[0]);
  page.Add(section);
  AddCopyAs(page.model(), "pharos audience versions " + visit.args[0],
            "audience.v1.AudienceService/ListAudienceVersions",
            fmt::format(R"({{"audience": "audiences/{}"}})", visit.args[0]));
  return page.Show();
}

absl::StatusOr<Reply> ShowExamples(Visit& visit) {
  v1::PreviewAudienceRequest request;
  request.set_audience("audiences/" + visit.args[0]);
  v1::PreviewAudienceResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Table table{fmt::format("{} of {} people", response.people_size(), Thousands(response.matched())),
              Heads({"Person", "What is known"}),
              {},
              "Nobody matches."};
  int number = 0;
  for (const v1::PreviewPerson& person : response.people()) {
    std::string known;
    for (const auto& [field, value] : person.fields())
      known += (known.empty() ? "" : "; ") + field + ": " + value;
    const std::string words = fmt::format("Person {}", ++number);
    const bool open = visit.May("people.read_personal");
    table.rows.push_back(
        {open ? Link(words, "/console/people/" + base::Segment(person.person(), "people")) : Cell{words},
         {known}});
  }
  Section section;
  section.paragraphs = {
      "A few of the people, without names, numbers or addresses, to see whether the audience is who you "
      "mean. The same few all day."};
  section.tables = {table};
  PageOfBlocks page(visit, "Example people", "/console/audiences/" + visit.args[0]);
  page.Add(section);
  AddCopyAs(page.model(), "pharos audience preview " + visit.args[0],
            "audience.v1.AudienceService/PreviewAudience",
            fmt::format(R"({{"audience": "audiences/{}"}})", visit.args[0]));
  return page.Show();
}

}  // namespace

void AddAudiencePages(Routes& routes) {
  AddAudienceEditPages(routes);
  AddAudienceTablePages(routes);
  routes.Get("/console/audiences", "audiences.read", &ShowAudiences);
  routes.Get("/console/audiences/{}", "audiences.read", &ShowAudience);
  routes.Get("/console/audiences/{}/versions", "audiences.read", &ShowVersions);
  routes.Get("/console/audiences/{}/people", "audiences.preview", &ShowExamples);
}

}  // namespace pharos::edge::console
