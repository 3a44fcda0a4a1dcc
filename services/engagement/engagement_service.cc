#include "services/engagement/engagement_service.h"

#include "services/base/errors.h"
#include "services/engagement/errors.h"

namespace pharos::engagement {
namespace {

constexpr int64_t kSilenceMicros = 1'000'000;  // an answer at least so often
constexpr int64_t kPaceMicros = 100'000;       // and not more often than this: a person reads them
constexpr int64_t kLookMicros = 200'000;       // how long a caller who has gone may go unnoticed

}  // namespace

absl::Status EngagementService::WatchCampaign(rpc::Call& call, const v1::WatchCampaignRequest& request,
                                              rpc::Writer<v1::Counters>& out) {
  while (!call.cancelled() && !counters_.stopping() && call.RemainingMicros() > 0) {
    PHAROS_ASSIGN_OR_RETURN(const v1::Counters counters, counters_.Now(request.campaign()));
    if (!out.Write(counters)) return absl::CancelledError("the caller has gone");
    // The pause first: whatever comes in it is in the next answer.
    counters_.WaitForNewer(request.campaign(), UINT64_MAX, kPaceMicros);
    for (int64_t waited = kPaceMicros; waited < kSilenceMicros && !call.cancelled(); waited += kLookMicros) {
      if (counters_.WaitForNewer(request.campaign(), counters.position(), kLookMicros)) break;
    }
  }
  return call.cancelled() || counters_.stopping() ? errors::Stopping() : absl::OkStatus();
}

absl::Status EngagementService::GetCounters(rpc::Call&, const v1::GetCountersRequest& request,
                                            v1::Counters& response) {
  PHAROS_ASSIGN_OR_RETURN(response, counters_.Now(request.campaign()));
  return absl::OkStatus();
}

absl::Status EngagementService::ListEvents(rpc::Call&, const v1::ListEventsRequest& request,
                                           v1::ListEventsResponse& response) {
  return store_.List(request.campaign(), request.person(), request.page_size(), request.page_token(),
                     response);
}

}  // namespace pharos::engagement
