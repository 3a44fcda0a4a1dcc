// The dispatch service, ready to be wired.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/dispatch/settings.h"
#include "services/policy/snapshot.h"
#include "services/rpc/peers.h"
#include "services/rpc/service.h"
#include "storage/open.h"

namespace pharos::dispatch {

struct DispatchOptions {
  std::string folder;
  base::Clock* clock = nullptr;  // nullptr: the system's
  storage::Settings store;
  // Mode and approval keys; outlives the service. nullptr: no approval can be checked, trial mode.
  const policy::SnapshotHolder* access = nullptr;
  DispatchSettings settings;
  bool seal = true;  // the content of single messages
  bool in_memory = false;
  size_t block_cache_bytes = 256u << 20;
};

class Dispatch {
 public:
  static absl::StatusOr<std::unique_ptr<Dispatch>> Open(const DispatchOptions& options);
  virtual ~Dispatch() = default;
  virtual std::vector<std::unique_ptr<rpc::Service>> Services() = 0;
  virtual void Start(const rpc::Peers& peers) = 0;
  virtual void Stop() = 0;
  // The store could not be written or read: nothing is sent until the process is started again.
  virtual bool halted() const = 0;
};

}  // namespace pharos::dispatch
