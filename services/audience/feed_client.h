// The customer service, as the audience service calls it: its feed into the index, and what has just been
// committed there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "services/audience/people_index.h"
#include "services/gate/gate.h"
#include "services/rpc/peers.h"

namespace pharos::audience {

// What the customer service had committed when it was asked.
struct Freshness {
  uint64_t position = 0;
  std::map<std::string, gate::Purpose> purposes;  // by name; filled only if asked for
  std::set<std::string> retired;                  // of these, those that are no longer in use
};

// Asks the customer service; answers within `micros`. UNAVAILABLE if it is not there.
using AskFreshness = std::function<absl::StatusOr<Freshness>(bool with_purposes, int64_t micros)>;

class FeedClient {
 public:
  static std::unique_ptr<FeedClient> New(PeopleIndex& index);
  virtual ~FeedClient() = default;

  // Follows people into the index, on a thread of its own, again and again until Stop.
  virtual void Start(const rpc::Peers& peers) = 0;
  // Ends the thread. Idempotent.
  virtual void Stop() = 0;
  // As AskFreshness. UNAVAILABLE AUDIENCE_LOADING before Start. Any thread.
  virtual absl::StatusOr<Freshness> Ask(bool with_purposes, int64_t micros) = 0;
};

}  // namespace pharos::audience
