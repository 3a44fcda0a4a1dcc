// The customer service, as the audience service calls it: its feed into the index, and what has just been
// committed there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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

// Asks others how far they are.
class AskFreshness {
 public:
  // Asks the customer service; answers within `micros`. UNAVAILABLE if it is not there.
  using People = std::function<absl::StatusOr<Freshness>(bool with_purposes, int64_t micros)>;
  // Waits until the index has what engagement knows of these campaigns ("*": of any), at most `micros`.
  // UNAVAILABLE if engagement is not there, ENGAGEMENT_BEHIND; FAILED_PRECONDITION CAMPAIGN_NOT_TOLD_APART.
  using Engagement = std::function<absl::Status(const std::vector<std::string>& campaigns, int64_t micros)>;

  // Without `engagement` what people did is as the index has it.
  template <typename Function,
            typename = std::enable_if_t<!std::is_same_v<std::decay_t<Function>, AskFreshness>>>
  AskFreshness(Function people, Engagement engagement = {})
      : people_(std::move(people)), engagement_(std::move(engagement)) {}

  absl::StatusOr<Freshness> operator()(bool with_purposes, int64_t micros) const {
    return people_(with_purposes, micros);
  }
  // What people did is as the index has it.
  AskFreshness WithoutEngagement() const { return AskFreshness(people_); }
  absl::Status OfEngagement(const std::vector<std::string>& campaigns, int64_t micros) const {
    return engagement_ && !campaigns.empty() ? engagement_(campaigns, micros) : absl::OkStatus();
  }

 private:
  People people_;
  Engagement engagement_;
};

class FeedClient {
 public:
  // customer's FeedService.GetPosition without a call; empty: customer is in another process.
  using PositionHere = std::function<absl::Status(const customer::internal::v1::GetPositionRequest&,
                                                  customer::internal::v1::GetPositionResponse&)>;
  static std::unique_ptr<FeedClient> New(PeopleIndex& index, PositionHere position_here = {});
  virtual ~FeedClient() = default;

  // Follows people into the index, on a thread of its own, again and again until Stop.
  virtual void Start(const rpc::Peers& peers) = 0;
  // Ends the thread. Idempotent.
  virtual void Stop() = 0;
  // As AskFreshness. UNAVAILABLE AUDIENCE_LOADING before Start. Any thread.
  virtual absl::StatusOr<Freshness> Ask(bool with_purposes, int64_t micros) = 0;
};

}  // namespace pharos::audience
