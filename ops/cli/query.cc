// pharos query: what was asked of audiences, by whom, and what was answered.
#include <algorithm>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/audience/v1/query_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace audience::v1;

// "/pharos.audience.v1.AudienceService/CountAudience" → "CountAudience"
std::string MethodWord(const Query& query) {
  return query.method().substr(query.method().rfind('/') + 1);
}

void ShowQuery(Output& out, const Query& query) {
  out.Data(fmt::format("{}  {}  {}", query.name(), Time(query.ask_time_us()), MethodWord(query)));
  out.Data(fmt::format("  by       {}{}", query.principal(),
                       query.purpose().empty() ? "" : " for " + query.purpose()));
  out.Data(fmt::format("  filter   {}", query.filter().empty() ? "everybody" : query.filter()));
  out.Data(fmt::format("  request  {}", query.request()));
  out.Data(fmt::format("  rules    {}", query.rule_set().empty() ? "none: exact" : query.rule_set()));
  if (!query.refusal().empty()) return out.Data(fmt::format("  refused  {}", query.refusal()));
  out.Data(fmt::format("  answer   {}", query.answer().empty() ? "(too long to be kept)" : query.answer()));
}

absl::Status ListQueries(Context& c) {
  ListQueriesRequest request;
  request.set_principal(Name("principals", c.args.Get("principal")));
  PHAROS_ASSIGN_OR_RETURN(const int64_t last, NumberOf(c.args, "last", 20));
  request.set_page_size(static_cast<int32_t>(std::clamp<int64_t>(last, 1, 1000)));
  ListQueriesResponse response;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
  Table table({"query", "when", "who", "what", "filter", "rules"});
  for (const Query& query : response.queries()) {
    if (c.out.json()) {
      c.out.Json(query);
      continue;
    }
    table.Add({Short(query.name()), Time(query.ask_time_us()), Short(query.principal()), MethodWord(query),
               query.filter().empty() ? "everybody" : query.filter(),
               query.refusal().empty() ? query.rule_set() : query.refusal()});
  }
  if (!c.out.json()) table.Print(c.out);
  if (!response.next_page_token().empty()) c.out.Say("There are older ones: --last NUMBER shows more.");
  return absl::OkStatus();
}

absl::Status GetQuery(Context& c) {
  GetQueryRequest request;
  request.set_name(Name("queries", c.args.Operand(0)));
  Query query;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &query));
  if (c.out.json()) {
    c.out.Json(query);
  } else {
    ShowQuery(c.out, query);
  }
  return absl::OkStatus();
}

absl::Status ReplayQuery(Context& c) {
  ReplayQueryRequest request;
  request.set_name(Name("queries", c.args.Operand(0)));
  ReplayQueryResponse response;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &response));
  if (c.out.json()) {
    c.out.Json(response);
    return absl::OkStatus();
  }
  ShowQuery(c.out, response.then());
  c.out.Data(fmt::format("  now      {}", response.answer()));
  c.out.Say(response.same() ? "The same answer as then."
                            : "Another answer than then: people have changed since.");
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> QueryCommands() {
  return {
      {"query",
       "list",
       "",
       "The questions that were asked of audiences, newest first.",
       {"query list", "query list --principal ana --last 100"},
       {{"principal", "PRINCIPAL", "only theirs"}, {"last", "NUMBER", "how many, at most 1,000; else 20"}},
       ListQueries},
      {"query",
       "show",
       "QUERY",
       "One question, whole, with its answer.",
       {"query show 01jd3v7m8q0000000000000000"},
       {},
       GetQuery},
      {"query",
       "replay",
       "QUERY",
       "Ask the same question again, now.",
       {"query replay 01jd3v7m8q0000000000000000"},
       {},
       ReplayQuery}};
}

}  // namespace pharos::cli
