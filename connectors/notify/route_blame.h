// When a refusal is the route's own fault, and not the message's. Pure, of one thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace pharos::notify {

// An error that speaks of our settings (template, sender, key) may be one message's own: a text that is too
// long is refused in the template's name, a team key refuses one recipient. A route that is held stops
// everybody's messages, so it is blamed only once messages to kMostInnocent different recipients were refused
// for the same reason and none was accepted in between. What was blamed stays so until one is accepted: after
// a hold the first refusal holds again, and no further message fails for it.
class RouteBlame {
 public:
  static constexpr size_t kMostInnocent = 3;
  // One more refusal. True: it is the route.
  bool Refused(const std::string& address, const std::string& problem);
  void Accepted() { refused_.clear(); }

 private:
  std::string problem_;
  std::vector<size_t> refused_;  // hashes of different recipients, at most kMostInnocent
};

}  // namespace pharos::notify
