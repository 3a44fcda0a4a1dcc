#include "connectors/notify/route_blame.h"

#include <algorithm>
#include <functional>

namespace pharos::notify {

bool RouteBlame::Refused(const std::string& address, const std::string& problem) {
  if (problem != problem_) refused_.clear();
  problem_ = problem;
  const size_t who = std::hash<std::string>{}(address);
  const bool known = std::find(refused_.begin(), refused_.end(), who) != refused_.end();
  if (!known && refused_.size() < kMostInnocent) refused_.push_back(who);
  return refused_.size() >= kMostInnocent;
}

}  // namespace pharos::notify
