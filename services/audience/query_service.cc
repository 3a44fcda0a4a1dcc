#include "services/audience/query_service.h"

#include "pharos/audience/v1/query_service.pb.h"
#include "services/audience/audience_service.h"
#include "services/audience/errors.h"
#include "services/audience/page_token.h"
#include "services/audience/query.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::audience {
namespace {

using record::v1::QueryRow;

constexpr size_t kDefaultPage = 100;
constexpr size_t kMaxPageBytes = 3u << 20;  // a message has at most 4 MiB

void Fill(const QueryRow& row, v1::Query& query) {
  query.set_name(row.name());
  query.set_principal(row.principal());
  query.set_method(row.method());
  query.set_request(row.request());
  query.set_purpose(row.purpose());
  query.set_filter(row.filter());
  query.set_ask_time_us(row.ask_time_us());
  query.set_position(row.position());
  query.set_rule_set(row.rule_set());
  query.set_answer_digest(row.answer_digest());
  query.set_answer(row.answer());
  query.set_refusal(row.refusal());
}

std::string PageOf(const v1::ListQueriesRequest& request) {
  return "queries of " + request.principal();
}

template <typename Answer>
void FillReplay(const QueryRow& row, const Answer& answer, v1::ReplayQueryResponse& response) {
  response.set_answer(JsonOf(answer));
  response.set_position(answer.position());
  response.set_same(AnswerDigest(answer) == row.answer_digest());
}

// The filter alone says how many are on a list or in an export.
absl::Status ReplayList(const QueryRow& row, const Answers& answers, int64_t micros,
                        v1::ReplayQueryResponse& response) {
  v1::CountAudienceRequest request;
  v1::CountAudienceResponse count;
  request.set_filter(row.filter());
  PHAROS_RETURN_IF_ERROR(answers.Count(request, Listener(), micros, count));
  v1::StreamAudienceResponse answer;
  answer.set_matched(count.matched());
  answer.set_position(count.position());
  FillReplay(row, answer, response);
  return absl::OkStatus();
}

}  // namespace

QueryService::QueryService(storage::Store& store, const PeopleIndex& index, AskFreshness ask,
                           base::Clock& clock, SnapshotShelf* shelf)
    : queries_(store), answers_(index, std::move(ask), clock, shelf) {}

absl::Status QueryService::ListQueries(rpc::Call&, const v1::ListQueriesRequest& request,
                                       v1::ListQueriesResponse& response) {
  std::string before;
  if (!request.page_token().empty()) {
    PHAROS_ASSIGN_OR_RETURN(before, ReadPageToken(PageOf(request), request.page_token()));
  }
  const size_t most = request.page_size() > 0 ? request.page_size() : kDefaultPage;
  PHAROS_ASSIGN_OR_RETURN(const auto rows, queries_.List(request.principal(), before, most + 1));
  size_t bytes = 0;
  for (const QueryRow& row : rows) {
    bytes += row.ByteSizeLong();
    const auto taken = static_cast<size_t>(response.queries_size());
    if (taken == most || (taken > 0 && bytes > kMaxPageBytes)) {
      const v1::Query& last = response.queries(response.queries_size() - 1);
      response.set_next_page_token(MakePageToken(PageOf(request), base::Segment(last.name(), "queries")));
      break;
    }
    Fill(row, *response.add_queries());
  }
  return absl::OkStatus();
}

absl::Status QueryService::GetQuery(rpc::Call&, const v1::GetQueryRequest& request, v1::Query& response) {
  PHAROS_ASSIGN_OR_RETURN(const QueryRow row, queries_.Load(request.name()));
  Fill(row, response);
  return absl::OkStatus();
}

absl::Status QueryService::ReplayQuery(rpc::Call& call, const v1::ReplayQueryRequest& request,
                                       v1::ReplayQueryResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const QueryRow row, queries_.Load(request.name()));
  Fill(row, *response.mutable_then());
  const int64_t micros = call.RemainingMicros() - kAnswerUs;
  const Listener listener{row.rule_set().empty() ? nullptr : FindRuleSet(row.rule_set()), nullptr, {}};
  if (listener.rules == nullptr && !row.rule_set().empty())
    return AudienceErrors::QueryNotReplayable(row.name());
  if (IsMethod(row, "StreamAudience") || IsMethod(row, "ExportAudience"))
    return ReplayList(row, answers_, micros, response);
  if (v1::CountAudienceRequest count; ReadQuestion(row, "CountAudience", count)) {
    v1::CountAudienceResponse answer;
    PHAROS_RETURN_IF_ERROR(answers_.Count(count, listener, micros, answer));
    FillReplay(row, answer, response);
    return absl::OkStatus();
  }
  if (v1::BreakDownAudienceRequest table; ReadQuestion(row, "BreakDownAudience", table)) {
    v1::BreakDownAudienceResponse answer;
    PHAROS_RETURN_IF_ERROR(answers_.BreakDown(table, listener, micros, answer));
    FillReplay(row, answer, response);
    return absl::OkStatus();
  }
  return AudienceErrors::QueryNotReplayable(row.name());
}

}  // namespace pharos::audience
