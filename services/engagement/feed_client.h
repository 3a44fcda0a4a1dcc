// Dispatch's feed, followed on a thread of its own, again and again until Stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "pharos/dispatch/internal/v1/feed_service.pb.h"
#include "services/rpc/peers.h"

namespace pharos::engagement {

struct FeedEvents {
  std::function<absl::StatusOr<uint64_t>()> cursor;  // where to start
  std::function<absl::Status(const dispatch::internal::v1::FollowEventsResponse&)>
      apply;  // an error ends the stream
};

class FeedClient {
 public:
  static std::unique_ptr<FeedClient> New(FeedEvents events);
  virtual ~FeedClient() = default;
  virtual void Start(const rpc::Peers& peers) = 0;
  // Ends the thread. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace pharos::engagement
