#include "services/campaign/steering.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/campaign/campaign_store.h"
#include "services/rpc/once.h"

namespace pharos::campaign {

namespace plan = dispatch::internal::v1;

namespace {

plan::Steering Wanted(v1::CampaignState state) {
  switch (state) {
    case v1::RUNNING:
      return plan::GO;
    case v1::PAUSED:
      return plan::HOLD;
    case v1::STOPPED:
      return plan::HALT;
    default:
      return plan::STEERING_UNSPECIFIED;
  }
}

}  // namespace

// One speaker for a campaign at a time, and one for its stop; the mutex itself is not held during the call.
class Steering::Turn {
 public:
  Turn(Steering& owner, std::string_view campaign, bool stop)
      : owner_(owner), campaign_(std::string(stop ? "stop " : "") + std::string(campaign)) {
    base::MutexLock lock(owner_.mutex_);
    while (owner_.speaking_.contains(campaign_)) owner_.turn_ended_.Wait(lock);
    owner_.speaking_.insert(campaign_);
  }
  ~Turn() {
    base::MutexLock lock(owner_.mutex_);
    owner_.speaking_.erase(campaign_);
    owner_.turn_ended_.NotifyAll();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Steering& owner_;
  const std::string campaign_;
};

absl::Status Steering::Assert(std::string_view campaign, bool again) {
  PHAROS_ASSIGN_OR_RETURN(const Word wanted, WantedOf(campaign, again));
  const bool stop = wanted.steering == plan::HALT;
  PHAROS_ASSIGN_OR_RETURN(bool said, AssertInTurn(campaign, again, stop));
  if (!said) {  // stopped while it waited for its turn; a stop is never taken back
    PHAROS_ASSIGN_OR_RETURN(said, AssertInTurn(campaign, again, /*stop=*/true));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Steering::AssertInTurn(std::string_view campaign, bool again, bool stop) {
  Turn turn(*this, campaign, stop);
  PHAROS_ASSIGN_OR_RETURN(const Word wanted, WantedOf(campaign, again));
  if (wanted.steering == plan::STEERING_UNSPECIFIED) return true;
  if ((wanted.steering == plan::HALT) != stop) return false;
  PHAROS_RETURN_IF_ERROR(Say(campaign, wanted));
  return true;
}

// What there is to say; STEERING_UNSPECIFIED: nothing, or nothing new.
absl::StatusOr<Steering::Word> Steering::WantedOf(std::string_view campaign, bool again) {
  PHAROS_ASSIGN_OR_RETURN(const record::v1::CampaignRow row, LoadCampaign(store_, campaign));
  const plan::Steering wanted = Wanted(row.campaign().state());
  const bool said = row.launch().halted() || Said(campaign, wanted);
  return Word{said && !again ? plan::STEERING_UNSPECIFIED : wanted, row.revision()};
}

absl::Status Steering::GoOn(std::string_view campaign) {
  Turn turn(*this, campaign, /*stop=*/false);
  PHAROS_ASSIGN_OR_RETURN(const Word wanted, WantedOf(campaign, /*again=*/true));
  return wanted.steering == plan::GO ? Say(campaign, wanted, /*go_on=*/true) : absl::OkStatus();
}

bool Steering::Said(std::string_view campaign, int steering) {
  base::MutexLock lock(mutex_);
  auto said = said_.find(campaign);
  return said != said_.end() && said->second == steering;
}

absl::Status Steering::Say(std::string_view campaign, const Word& word, bool go_on) {
  Forget(campaign);  // until it answers, dispatch may have heard it or not
  auto counts = peers_.SteerCampaign(campaign, word.steering, word.revision, go_on);
  // Not declared there yet: nothing can leave, and whoever declares the step says it again afterwards.
  if (absl::IsNotFound(counts.status())) counts = plan::SteerCampaignResponse();
  PHAROS_RETURN_IF_ERROR(counts.status());
  if (word.steering == plan::HALT) return StoreHalt(campaign, *counts);
  base::MutexLock lock(mutex_);
  said_.insert_or_assign(std::string(campaign), word.steering);
  return absl::OkStatus();
}

void Steering::Forget(std::string_view campaign) {
  base::MutexLock lock(mutex_);
  if (auto said = said_.find(campaign); said != said_.end()) said_.erase(said);
}

absl::Status Steering::StoreHalt(std::string_view campaign, const plan::SteerCampaignResponse& counts) {
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(record::v1::CampaignRow row, LoadCampaign(tx, campaign));
    record::v1::LaunchRow& launch = *row.mutable_launch();
    if (launch.halted()) return absl::OkStatus();
    launch.set_halted(true);
    launch.set_left(counts.left());
    launch.set_in_flight(counts.in_flight());
    // Members whose intents were never written will not get a message either.
    launch.set_not_sent(
        std::max(counts.not_sent(), row.campaign().members() - counts.left() - counts.in_flight()));
    SaveProgress(tx, row);
    tx.AppendChange(rpc::ChangeByLoop("internal:steering", campaign, "campaign.halted", row.revision(),
                                      clock_.WallMicros()));
    return absl::OkStatus();
  });
}

}  // namespace pharos::campaign
