// All webhooks of this process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/clock.h"
#include "services/edge/backend_client.h"
#include "services/edge/hooks/hook_settings.h"
#include "services/edge/hooks/retry.h"
#include "services/edge/hooks/worker.h"

namespace pharos::edge::hooks {

class Hooks {
 public:
  // CONFIG_WRONG. `folder` is made when something is posted; `backend` and `clock` must outlive this.
  static absl::StatusOr<std::unique_ptr<Hooks>> Make(const std::vector<Hook>& hooks, const Backend& backend,
                                                     const std::string& folder, base::Clock& clock,
                                                     const Pace& pace = {}, const SendLimits& limits = {});
  void Start();
  void Stop();  // idempotent

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace pharos::edge::hooks
