// Dispatch's feed: its change log, read by cursor and followed.
#pragma once

#include "pharos/dispatch/internal/v1/feed_service.serve.h"
#include "services/base/clock.h"
#include "storage/store.h"

namespace pharos::dispatch {

// Kind of the change-log entries whose facts are an EventBatch.
inline constexpr char kIntentsChanged[] = "intents.changed";

class FeedService : public internal::v1::FeedServiceHandler {
 public:
  FeedService(const storage::Store& store, base::Clock& clock) : store_(store), clock_(clock) {}

  absl::Status FollowEvents(rpc::Call& call, const internal::v1::FollowEventsRequest& request,
                            rpc::Writer<internal::v1::FollowEventsResponse>& out) override;

 private:
  const storage::Store& store_;
  base::Clock& clock_;
};

}  // namespace pharos::dispatch
