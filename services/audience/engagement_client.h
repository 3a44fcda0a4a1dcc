// Engagement, as the audience service calls it: its feed into the index.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/audience/people_index.h"
#include "services/rpc/peers.h"

namespace pharos::audience {

class EngagementClient {
 public:
  static std::unique_ptr<EngagementClient> New(PeopleIndex& index);
  virtual ~EngagementClient() = default;

  // Follows what people do into the index, on a thread of its own, again and again until Stop. Nothing is
  // followed before the index has read everybody.
  virtual void Start(const rpc::Peers& peers) = 0;
  // Ends the thread. Idempotent.
  virtual void Stop() = 0;
  // As AskFreshness::Engagement. Any thread.
  virtual absl::Status Wait(const std::vector<std::string>& campaigns, int64_t micros) = 0;
};

}  // namespace pharos::audience
