#include "services/edge/hooks/hooks.h"

#include "services/base/errors.h"

namespace pharos::edge::hooks {

absl::StatusOr<std::unique_ptr<Hooks>> Hooks::Make(const std::vector<Hook>& hooks, const Backend& backend,
                                                   const std::string& folder, base::Clock& clock,
                                                   const Pace& pace, const SendLimits& limits) {
  auto all = std::make_unique<Hooks>();
  for (const Hook& hook : hooks) {
    PHAROS_ASSIGN_OR_RETURN(auto sender, Sender::Make(hook, clock, limits));
    all->workers_.push_back(std::make_unique<Worker>(hook, std::move(sender), backend, folder, clock, pace));
  }
  return all;
}

void Hooks::Start() {
  for (const auto& worker : workers_) worker->Start();
}

void Hooks::Stop() {
  for (const auto& worker : workers_) worker->Cancel();
  for (const auto& worker : workers_) worker->Stop();
}

}  // namespace pharos::edge::hooks
