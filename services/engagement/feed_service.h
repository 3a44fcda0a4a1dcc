// Engagement's feed: the events that it keeps, in dispatch's order, read by cursor and followed.
#pragma once

#include "pharos/engagement/internal/v1/feed_service.serve.h"
#include "services/base/clock.h"
#include "services/engagement/counters.h"
#include "services/engagement/counters_store.h"

namespace pharos::engagement {

class FeedService : public internal::v1::FeedServiceHandler {
 public:
  FeedService(const CountersStore& store, Counters& counters, base::Clock& clock)
      : store_(store), counters_(counters), clock_(clock) {}

  absl::Status FollowEngagement(rpc::Call& call, const internal::v1::FollowEngagementRequest& request,
                                rpc::Writer<internal::v1::FollowEngagementResponse>& out) override;
  absl::Status GetPosition(rpc::Call& call, const internal::v1::GetPositionRequest& request,
                           internal::v1::GetPositionResponse& response) override;

 private:
  const CountersStore& store_;
  Counters& counters_;
  base::Clock& clock_;
};

}  // namespace pharos::engagement
