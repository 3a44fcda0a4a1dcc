// CountAudience and BreakDownAudience.
#include "services/audience/audience_service.h"
#include "services/audience/query.h"
#include "services/base/errors.h"
#include "services/rpc/once.h"

namespace pharos::audience {
namespace {

constexpr std::string_view kExact = "audiences.exact";

}  // namespace

absl::StatusOr<Listener> AudienceService::ListenerOf(const rpc::Call& call) {
  if (call.Has(kExact)) return Listener();
  PHAROS_RETURN_IF_ERROR(
      told_.Ready(call.caller().principal, clock_.WallMicros(), call.RemainingMicros() - kAnswerUs));
  return Listener{&DefaultRuleSet(), &told_.guard(), call.caller().principal};
}

template <typename Request, typename Response>
absl::Status AudienceService::Keep(const rpc::Call& call, const Request& request, const std::string& filter,
                                   const absl::Status& answered, Response& answer) const {
  const int64_t now_us = clock_.WallMicros();
  record::v1::QueryRow row = QuestionRow(call, request, filter, now_us);
  row.set_rule_set(DefaultRuleSet().name);
  row.set_position(answer.position());
  if (answered.ok()) SetAnswer(answer, row);
  if (!answered.ok()) row.set_refusal(base::ReasonOf(answered));
  PHAROS_RETURN_IF_ERROR(queries_.Keep(row, rpc::ChangeBy(call, row.name(), "query.kept", 1, now_us)));
  answer.set_query(row.name());
  return answered;
}

absl::Status AudienceService::CountAudience(rpc::Call& call, const v1::CountAudienceRequest& request,
                                            v1::CountAudienceResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const std::string filter, FilterOf(request));
  PHAROS_ASSIGN_OR_RETURN(const Listener listener, ListenerOf(call));
  v1::CountAudienceRequest question = request;
  question.set_filter(filter);
  const absl::Status status =
      answers_.Count(question, listener, call.RemainingMicros() - kAnswerUs, response);
  const bool kept = listener.rules != nullptr && (status.ok() || absl::IsResourceExhausted(status));
  return kept ? Keep(call, request, filter, status, response) : status;
}

absl::Status AudienceService::BreakDownAudience(rpc::Call& call, const v1::BreakDownAudienceRequest& request,
                                                v1::BreakDownAudienceResponse& response) {
  PHAROS_ASSIGN_OR_RETURN(const std::string filter, FilterOf(request));
  PHAROS_ASSIGN_OR_RETURN(const Listener listener, ListenerOf(call));
  v1::BreakDownAudienceRequest question = request;
  question.set_filter(filter);
  const absl::Status status =
      answers_.BreakDown(question, listener, call.RemainingMicros() - kAnswerUs, response);
  const bool kept = listener.rules != nullptr && (status.ok() || absl::IsResourceExhausted(status));
  return kept ? Keep(call, request, filter, status, response) : status;
}

}  // namespace pharos::audience
