#include "connectors/smtp/route_blame.h"

#include <algorithm>
#include <functional>

namespace pharos::smtp {
namespace {

// RFC 4954, 6: authentication required, credentials invalid, encryption needed for it.
bool IsOfAccount(const work::Rejected& rejected) {
  const std::string code = rejected.code().substr(0, 3);
  return code == "530" || code == "535" || code == "538";
}

}  // namespace

void RouteBlame::Weigh(const std::string& address, work::Rejected& rejected) {
  if (!IsRouteTrouble(rejected)) return;
  if (rejected.reason() != reason_) refused_.clear();
  reason_ = rejected.reason();
  const size_t who = std::hash<std::string>{}(address);
  const bool known = std::find(refused_.begin(), refused_.end(), who) != refused_.end();
  if (!known && refused_.size() < kMostInnocent) refused_.push_back(who);
  if (refused_.size() >= kMostInnocent) return;
  rejected.clear_scope();
  if (IsOfAccount(rejected)) return;
  rejected.set_reason("POLICY");
  rejected.set_transient(false);
  rejected.clear_retry_after_ms();
}

}  // namespace pharos::smtp
