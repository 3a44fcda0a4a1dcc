// When refusals are the route's own fault, and not the message's. Pure, of one thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "connectors/smtp/reply.h"

namespace pharos::smtp {

// One recipient's system refuses by a policy of its own (5.7.x), or one message has a bad sender; a route
// that is held stops everybody's mail. So a route is blamed only once messages to kMostInnocent different
// recipients were refused for the same reason and none was accepted in between. What was blamed stays so
// until one is accepted: after a hold the first refusal holds again, and no further message fails for it.
class RouteBlame {
 public:
  static constexpr size_t kMostInnocent = 3;
  // A refusal of a message to `address`. One that IsRouteTrouble keeps its scope ROUTE if the route is to
  // blame; else the message fails by it, for good, with reason POLICY. A refusal of our account (530, 535,
  // 538) is no message's fault: it is tried again.
  void Weigh(const std::string& address, work::Rejected& rejected);
  void Accepted() { refused_.clear(); }

 private:
  std::string reason_;
  std::vector<size_t> refused_;  // hashes of different recipients, at most kMostInnocent
};

}  // namespace pharos::smtp
