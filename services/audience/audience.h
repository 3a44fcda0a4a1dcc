// The audience service, ready to be wired.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/rpc/peers.h"
#include "services/rpc/service.h"
#include "storage/open.h"

namespace pharos::customer::internal::v1 {
class GetPositionRequest;
class GetPositionResponse;
}  // namespace pharos::customer::internal::v1

namespace pharos::audience {

struct AudienceOptions {
  std::string folder;
  base::Clock* clock = nullptr;  // nullptr: the system's
  bool in_memory = false;
  size_t block_cache_bytes = 32u << 20;
  storage::Settings store;
  // customer's FeedService.GetPosition, where customer is in this process; empty: it is called. Most of a
  // small count's time was that call.
  std::function<absl::Status(const customer::internal::v1::GetPositionRequest&,
                             customer::internal::v1::GetPositionResponse&)>
      position_here;
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
