// What a provider's statuses mean. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "pharos/dispatch/internal/v1/work_service.pb.h"

namespace pharos::smpp {

namespace work = ::pharos::dispatch::internal::v1;

// Statuses that this provider uses for "later", e.g. from its own range 0x400–0x4FF; others of that range are
// for good.
struct StatusRules {
  std::set<uint32_t> transient;
};

// What a status of submit_sm_resp means. One that speaks of the sender or the account has scope ROUTE; see
// RouteBlame.
work::Rejected RejectedFor(uint32_t status, const StatusRules& rules = {});
// One refusal that speaks of the sender may be one message's own fault, and a route that is held stops
// everybody's. So a route is blamed only once messages to kMostInnocent different people were refused for the
// same reason and none was accepted in between. Belongs to one thread.
class RouteBlame {
 public:
  static constexpr size_t kMostInnocent = 3;
  // Before that the message fails by its reason (ACCOUNT_REFUSED, which is no message's fault: it is tried
  // again), and nothing is held.
  void Weigh(const std::string& address, work::Rejected& rejected);
  void Accepted() { refused_.clear(); }

 private:
  std::string reason_;
  std::vector<size_t> refused_;  // hashes of different numbers, at most kMostInnocent
};
// The provider asks for less: ESME_RTHROTTLED, ESME_RMSGQFUL.
bool AsksForLess(uint32_t status);

// Why a bind was refused: a problem of LinkState, and in words what to do next.
struct BindRefusal {
  const char* problem;
  std::string detail;
  bool lasting;  // trying again soon changes nothing, and may lock the account
};
BindRefusal BindRefusalFor(uint32_t status);

}  // namespace pharos::smpp
