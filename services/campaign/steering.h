// Tells dispatch what it may do with a campaign: always what the campaign's committed state says at that
// moment, one call at a time for each campaign, and with its revision, so that an earlier word never
// overtakes a later one, not even one that was given up and is heard late. Thread-safe.
#pragma once

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "pharos/dispatch/internal/v1/plan_service.pb.h"
#include "pharos/record/v1/campaign.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/campaign/peers_client.h"
#include "storage/store.h"

namespace pharos::campaign {

class Steering {
 public:
  Steering(storage::Store& store, PeersClient& peers, base::Clock& clock)
      : store_(store), peers_(peers), clock_(clock) {}

  // Dispatch has confirmed the committed state when this is OK. Says it again although this process has said
  // it already if `again`. A confirmed stop is stored with its counts and never said again. A stop does not
  // wait for an earlier word that dispatch is slow to answer: it is final there, nothing can overtake it.
  absl::Status Assert(std::string_view campaign, bool again);
  // The campaign runs and a person says that the rest goes although its canary was held.
  absl::Status GoOn(std::string_view campaign);

 private:
  class Turn;
  // False: the state has become another one that this turn is not for.
  absl::StatusOr<bool> AssertInTurn(std::string_view campaign, bool again, bool stop);
  // A word, and the revision of the campaign that it follows from: dispatch follows no older one afterwards.
  struct Word {
    dispatch::internal::v1::Steering steering = dispatch::internal::v1::STEERING_UNSPECIFIED;
    uint64_t revision = 0;
  };
  absl::StatusOr<Word> WantedOf(std::string_view campaign, bool again);
  absl::Status Say(std::string_view campaign, const Word& word, bool go_on = false);
  absl::Status StoreHalt(std::string_view campaign,
                         const dispatch::internal::v1::SteerCampaignResponse& counts);
  bool Said(std::string_view campaign, int steering);
  void Forget(std::string_view campaign);

  storage::Store& store_;
  PeersClient& peers_;
  base::Clock& clock_;
  base::Mutex mutex_;
  base::CondVar turn_ended_;
  std::set<std::string, std::less<>> speaking_ ABSL_GUARDED_BY(mutex_);   // whose call is on its way
  std::map<std::string, int, std::less<>> said_ ABSL_GUARDED_BY(mutex_);  // last confirmed by this process
};

}  // namespace pharos::campaign
