// Who asked what about whom, and what they were told.
#include <fmt/format.h>

#include "pharos/audience/v1/query_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/operation_pages.h"
#include "services/edge/console/operation_words.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = audience::v1;

namespace {

constexpr int kShown = 50;

std::string Pretty(const std::string& json) {
  const Model parsed = Model::parse(json, nullptr, false);
  return parsed.is_discarded() ? json : parsed.dump(2, ' ', false, Model::error_handler_t::replace);
}

Cell Outcome(const v1::Query& query) {
  if (!query.refusal().empty()) return Tag(fmt::format("Refused: {}", query.refusal()), "red");
  return query.rule_set().empty() ? Tag("Exact", "blue") : Tag("Protected", "green");
}

Row RowOf(const v1::Query& query) {
  return {Link(TimeInWords(query.ask_time_us()), fmt::format("/console/questions/{}", IdOf(query.name()))),
          {IdOf(query.principal())},
          {QuestionInWords(query.method())},
          {query.filter().empty() ? "Everybody" : query.filter()},
          Outcome(query)};
}

absl::StatusOr<Reply> ShowQuestions(Visit& visit) {
  const std::string principal = visit.query.Get("principal");
  v1::ListQueriesRequest request;
  if (!principal.empty()) request.set_principal(fmt::format("principals/{}", IdOf(principal)));
  request.set_page_size(kShown);
  request.set_page_token(visit.query.Get("page"));
  v1::ListQueriesResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  section.paragraphs = {
      "Every question about people is kept before its answer leaves: counts, tables, lists and exports."};
  Table table{"Newest first",
              Heads({"When", "Who", "What", "About", "Answer"}),
              {},
              "Nobody has asked anything yet."};
  for (const v1::Query& query : response.queries()) table.rows.push_back(RowOf(query));
  section.tables = {table};
  Model model = PageModel("Questions asked", {section});
  FormPage filter;
  Field who{Field::Kind::kText, "principal", "Only by", "Their sign-in name"};
  who.value = principal;
  who.width = "govuk-input--width-20";
  filter.fields = {who};
  model["filter"] = ModelOf(filter)["fields"];
  AddNextPage(model,
              principal.empty() ? "/console/questions"
                                : fmt::format("/console/questions?principal={}", EscapeForUrl(principal)),
              response.next_page_token());
  AddCopyAs(model, "pharos query list --last 50", "audience.v1.QueryService/ListQueries",
            R"({"pageSize": 50})");
  return Show("sections", std::move(model));
}

std::vector<Section> Parts(const v1::Query& query) {
  Section facts, request, answer;
  facts.facts = {{"Who", {IdOf(query.principal())}, "", ""},
                 {"When", {TimeInWords(query.ask_time_us())}, "", ""},
                 {"For", {IdOf(query.purpose())}, "", ""},
                 {"What", {QuestionInWords(query.method())}, "", ""},
                 {"About", {query.filter().empty() ? "Everybody" : query.filter()}, "", ""},
                 {"Answer", Outcome(query), "", ""},
                 {"Rules applied",
                  {query.rule_set().empty() ? "None: the exact answer was told" : query.rule_set()},
                  "",
                  ""}};
  request.heading = "The question as it was asked";
  request.code = Pretty(query.request());
  answer.heading = "The answer as it was told";
  answer.code = query.answer().empty() ? (query.refusal().empty() ? "Too long to be kept: only its digest is."
                                                                  : "It was refused.")
                                       : Pretty(query.answer());
  return {facts, request, answer};
}

absl::StatusOr<Reply> ShowQuestion(Visit& visit) {
  v1::GetQueryRequest request;
  request.set_name(fmt::format("queries/{}", visit.args[0]));
  v1::Query query;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &query));
  std::vector<Section> sections = Parts(query);
  sections.emplace_back();
  sections.back().buttons = {
      {"Ask it again", fmt::format("/console/questions/{}/replay", visit.args[0]), true}};
  Model model = PageModel("A question and its answer", sections, "/console/questions");
  AddCopyAs(model, fmt::format("pharos query show {}\npharos query replay {}", visit.args[0], visit.args[0]),
            "audience.v1.QueryService/GetQuery", fmt::format(R"({{"name": "{}"}})", query.name()));
  return Show("sections", std::move(model));
}

absl::StatusOr<Reply> Replay(Visit& visit) {
  v1::ReplayQueryRequest request;
  request.set_name(fmt::format("queries/{}", visit.args[0]));
  v1::ReplayQueryResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  std::vector<Section> sections = Parts(response.then());
  Section now;
  now.heading = "The answer now";
  now.paragraphs = {response.same() ? "The same answer as then."
                                    : "Another answer than then: people have changed since."};
  now.code = Pretty(response.answer());
  sections.push_back(now);
  return Show("sections",
              PageModel("Asked again", sections, fmt::format("/console/questions/{}", visit.args[0])));
}

}  // namespace

void AddQuestionPages(Routes& routes) {
  routes.Get("/console/questions", "queries.read", &ShowQuestions);
  routes.Get("/console/questions/{}", "queries.read", &ShowQuestion);
  routes.Get("/console/questions/{}/replay", "queries.read", &Replay);
}

}  // namespace pharos::edge::console
