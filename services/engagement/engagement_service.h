// Handlers of EngagementService.
#pragma once

#include "pharos/engagement/v1/engagement_service.serve.h"
#include "services/engagement/counters.h"
#include "services/engagement/counters_store.h"

namespace pharos::engagement {

class EngagementService : public v1::EngagementServiceHandler {
 public:
  EngagementService(CountersStore& store, Counters& counters) : store_(store), counters_(counters) {}

  absl::Status WatchCampaign(rpc::Call& call, const v1::WatchCampaignRequest& request,
                             rpc::Writer<v1::Counters>& out) override;
  absl::Status GetCounters(rpc::Call& call, const v1::GetCountersRequest& request,
                           v1::Counters& response) override;
  absl::Status ListEvents(rpc::Call& call, const v1::ListEventsRequest& request,
                          v1::ListEventsResponse& response) override;

 private:
  CountersStore& store_;
  Counters& counters_;
};

}  // namespace pharos::engagement
