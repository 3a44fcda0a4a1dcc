// The audience service, ready to be wired.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/rpc/peers.h"
#include "services/rpc/service.h"
#include "storage/open.h"

namespace pharos::audience {

struct AudienceOptions {
  std::string folder;
  base::Clock* clock = nullptr;  // nullptr: the system's
  bool in_memory = false;
  size_t block_cache_bytes = 32u << 20;
  storage::Settings store;
};

class Audience {
 public:
  static absl::StatusOr<std::unique_ptr<Audience>> Open(const AudienceOptions& options);
  virtual ~Audience() = default;
  virtual std::vector<std::unique_ptr<rpc::Service>> Services() = 0;
  virtual void Start(const rpc::Peers& peers) = 0;
  virtual void Stop() = 0;
};

}  // namespace pharos::audience
