// The thread that carries committed launches out: declares the step, plans every pinned member at dispatch (a
// page of each launch in turn, urgent ones before all others), keeps dispatch told what it may do, and
// finishes a campaign when nothing of it is pending or in flight. Starts over after a crash: planning twice
// is harmless, as intents are named by (campaign, step, person).
//
// FINISHED says that dispatch has nothing left to hand over; a message that is SENT or UNCONFIRMED may still
// become delivered or failed in the report.
#pragma once

#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "pharos/record/v1/campaign.pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/campaign/peers_client.h"
#include "services/campaign/steering.h"
#include "storage/store.h"

namespace pharos::campaign {

class LaunchLoop {
 public:
  LaunchLoop(storage::Store& store, PeersClient& peers, Steering& steering, base::Clock& clock)
      : store_(store), peers_(peers), steering_(steering), clock_(clock) {}
  ~LaunchLoop() { Stop(); }

  void Start();
  // Looks at once instead of at the next round. Thread-safe.
  void Wake();
  // Ends the thread after the call that it is in. Idempotent; it may be started again.
  void Stop();

 private:
  void Run();
  // True: there is something left to plan.
  bool Round();
  absl::StatusOr<bool> Tend(const std::string& campaign);
  absl::Status Declare(const record::v1::CampaignRow& row);
  // The next page of each that has one, again and again for some kPagesARound pages. True: there are more.
  bool PlanPages(std::vector<std::string> campaigns);
  // True: this was not the last page.
  absl::StatusOr<bool> PlanOnePage(const std::string& campaign);
  // Writes the intents of one page, exactly as it was pinned, and answers the token of the next.
  absl::StatusOr<std::string> PlanPage(const record::v1::CampaignRow& row);
  absl::Status StoreProgress(const std::string& campaign, bool planned, std::string_view page_token,
                             int32_t page);
  absl::Status FinishIfDone(const record::v1::CampaignRow& row);
  absl::Status Finish(const std::string& campaign);
  void Note(const std::string& campaign, const absl::Status& status);
  bool stopping();
  bool woken();

  storage::Store& store_;
  PeersClient& peers_;
  Steering& steering_;
  base::Clock& clock_;
  std::set<std::string> declared_;  // at dispatch by this process, while they are planned; the thread's own
  std::map<std::string, std::string> troubles_;  // last reason logged, by campaign; the thread's own
  std::thread thread_;
  base::Mutex mutex_;
  base::CondVar woken_;
  bool wake_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace pharos::campaign
