// The engagement service: what came back, live numbers, the inbox. It follows dispatch's feed and owns
// nothing that cannot be made again from it, but for what people have done about replies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/rpc/peers.h"
#include "services/rpc/service.h"
#include "storage/open.h"

namespace pharos::engagement {

struct EngagementOptions {
  std::string folder;
  base::Clock* clock = nullptr;  // nullptr: the system's
  bool in_memory = false;
  size_t block_cache_bytes = 32u << 20;
  storage::Settings store;
};

class Engagement {
 public:
  static absl::StatusOr<std::unique_ptr<Engagement>> Open(const EngagementOptions& options);
  virtual ~Engagement() = default;
  virtual std::vector<std::unique_ptr<rpc::Service>> Services() = 0;
  virtual void Start(const rpc::Peers& peers) = 0;
  virtual void Stop() = 0;
};

}  // namespace pharos::engagement
