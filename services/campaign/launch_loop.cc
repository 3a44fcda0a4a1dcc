#include "services/campaign/launch_loop.h"

#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/campaign/campaign_store.h"
#include "services/campaign/lifecycle.h"
#include "services/campaign/standing.h"
#include "services/campaign/submission.h"
#include "services/rpc/once.h"

namespace pharos::campaign {

using record::v1::CampaignRow;
namespace plan = dispatch::internal::v1;

namespace {

constexpr int64_t kRoundMicros =
    500'000;  // how often tallies are read, and a peer that was away is tried again

// Between two looks at all campaigns: some 64,000 members.
constexpr size_t kPagesARound = 64;

bool IsUrgent(const storage::Store& store, const std::string& campaign) {
  const auto row = LoadCampaign(store, campaign);
  type::v1::CampaignManifest manifest;
  return row.ok() && manifest.ParseFromString(row->frozen().manifest()) &&
         manifest.purpose_class() == type::v1::PURPOSE_CLASS_URGENT;
}

std::vector<plan::DeclareStepRequest> StepsOf(const CampaignRow& row) {
  std::vector<plan::DeclareStepRequest> steps;
  for (int i = 0; i <= row.frozen().more_contents_size(); ++i) {
    plan::DeclareStepRequest& step = steps.emplace_back();
    step.set_campaign(row.campaign().name());
    step.set_step(StepName(i));
    *step.mutable_approval() = row.frozen().approval();
    *step.mutable_content() = i == 0 ? row.frozen().content() : row.frozen().more_contents(i - 1);
  }
  return steps;
}

}  // namespace

void LaunchLoop::Start() {
  if (thread_.joinable()) return;
  {
    base::MutexLock lock(mutex_);
    stopping_ = false;
  }
  thread_ = std::thread([this] { Run(); });
}

void LaunchLoop::Wake() {
  base::MutexLock lock(mutex_);
  wake_ = true;
  woken_.NotifyAll();
}

void LaunchLoop::Stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    woken_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool LaunchLoop::stopping() {
  base::MutexLock lock(mutex_);
  return stopping_;
}

bool LaunchLoop::woken() {
  base::MutexLock lock(mutex_);
  return wake_ || stopping_;
}

void LaunchLoop::Run() {
  while (!stopping()) {
    const bool more = Round();
    base::MutexLock lock(mutex_);
    if (!more && !wake_ && !stopping_) woken_.WaitForMicros(lock, kRoundMicros);
    wake_ = false;
  }
}

bool LaunchLoop::Round() {
  auto campaigns = ActiveCampaigns(store_);
  Note("", campaigns.status());
  if (!campaigns.ok()) return false;
  std::vector<std::string> urgent, others;
  for (const std::string& campaign : *campaigns) {
    if (stopping()) return false;
    const auto plans = Tend(campaign);
    if (!plans.ok() || !*plans) Note(campaign, plans.status());  // else its page tells
    if (plans.ok() && *plans) (IsUrgent(store_, campaign) ? urgent : others).push_back(campaign);
  }
  return PlanPages(urgent.empty() ? std::move(others) : std::move(urgent));
}

absl::StatusOr<bool> LaunchLoop::Tend(const std::string& campaign) {
  PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(store_, campaign));
  const bool running = row.campaign().state() == v1::RUNNING;
  const bool plans = running && !row.launch().planned();
  if (plans && !declared_.contains(campaign)) PHAROS_RETURN_IF_ERROR(Declare(row));
  if (!plans) declared_.erase(campaign);
  if (plans && IsStanding(row.campaign())) {
    PHAROS_RETURN_IF_ERROR(StoreProgress(campaign, true, "", 0));
    return false;
  }
  PHAROS_RETURN_IF_ERROR(steering_.Assert(campaign, /*again=*/false));
  if (running && !plans) PHAROS_RETURN_IF_ERROR(FinishIfDone(row));
  return plans;
}

absl::Status LaunchLoop::Declare(const CampaignRow& row) {
  for (const plan::DeclareStepRequest& step : StepsOf(row)) PHAROS_RETURN_IF_ERROR(peers_.DeclareStep(step));
  // A pause or stop that came before the step existed had nobody to tell.
  PHAROS_RETURN_IF_ERROR(steering_.Assert(row.campaign().name(), /*again=*/true));
  declared_.insert(row.campaign().name());
  return absl::OkStatus();
}

bool LaunchLoop::PlanPages(std::vector<std::string> campaigns) {
  // A launch that has just come may be urgent, and nobody waits long for a pause to be followed.
  for (size_t pages = 0; !campaigns.empty() && pages < kPagesARound && !woken(); pages += campaigns.size()) {
    std::vector<std::string> more;
    for (const std::string& campaign : campaigns) {
      if (stopping()) return false;
      const auto goes_on = PlanOnePage(campaign);
      Note(campaign, goes_on.status());
      if (!goes_on.ok()) declared_.erase(campaign);  // tried again in a later round, from the beginning
      if (goes_on.ok() && *goes_on) more.push_back(campaign);
    }
    campaigns = std::move(more);
  }
  return !campaigns.empty();
}

absl::StatusOr<bool> LaunchLoop::PlanOnePage(const std::string& campaign) {
  PHAROS_ASSIGN_OR_RETURN(const CampaignRow row, LoadCampaign(store_, campaign));
  if (row.campaign().state() != v1::RUNNING || row.launch().planned()) return false;
  const auto next = PlanPage(row);
  if (absl::IsInvalidArgument(next.status()) && !row.launch().page_token().empty()) {
    // The token outlived what it pointed into.
    PHAROS_RETURN_IF_ERROR(StoreProgress(campaign, false, "", 0));
  }
  PHAROS_RETURN_IF_ERROR(next.status());
  PHAROS_RETURN_IF_ERROR(StoreProgress(campaign, next->empty(), *next, row.launch().page() + 1));
  return !next->empty();
}

absl::StatusOr<std::string> LaunchLoop::PlanPage(const CampaignRow& row) {
  PHAROS_ASSIGN_OR_RETURN(const auto page,
                          peers_.ListMembers(row.campaign().pin(), row.launch().page_token()));
  if (page.members_size() > 0) {
    plan::PlanIntentsRequest request;
    request.set_campaign(row.campaign().name());
    request.set_step(std::string(kStep));
    request.set_page(row.launch().page());
    for (const auto& member : page.members()) {
      plan::PlannedMember& planned = *request.add_members();
      planned.set_person(member.person());
      planned.set_channel(member.channel());
      planned.set_endpoint(member.endpoint());
      for (const auto& alternative : member.alternatives()) {
        plan::PlannedAlternative& other = *planned.add_alternatives();
        other.set_channel(alternative.channel());
        other.set_endpoint(alternative.endpoint());
      }
    }
    PHAROS_RETURN_IF_ERROR(peers_.PlanIntents(request).status());
  }
  return page.next_page_token();
}

absl::Status LaunchLoop::StoreProgress(const std::string& campaign, bool planned, std::string_view page_token,
                                       int32_t page) {
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(CampaignRow row, LoadCampaign(tx, campaign));
    row.mutable_launch()->set_planned(planned);
    row.mutable_launch()->set_page_token(std::string(page_token));
    row.mutable_launch()->set_page(page);
    SaveProgress(tx, row);
    if (planned)
      tx.AppendChange(rpc::ChangeByLoop("internal:launch", campaign, "campaign.planned", row.revision(),
                                        clock_.WallMicros()));
    return absl::OkStatus();
  });
}

absl::Status LaunchLoop::FinishIfDone(const CampaignRow& row) {
  if (IsStanding(row.campaign())) return absl::OkStatus();  // until it is stopped
  PHAROS_ASSIGN_OR_RETURN(const dispatch::v1::Tally tally, peers_.GetTally(row.campaign().name(), ""));
  const bool all_there = tally.intents() >= row.campaign().members();
  if (!all_there || tally.pending() > 0 || tally.in_flight() > 0) return absl::OkStatus();
  return Finish(row.campaign().name());
}

absl::Status LaunchLoop::Finish(const std::string& campaign) {
  return store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(CampaignRow row, LoadCampaign(tx, campaign));
    if (!Allows(row.campaign().state(), Verb::kFinish))
      return absl::OkStatus();  // paused or stopped meanwhile
    PHAROS_ASSIGN_OR_RETURN(const v1::CampaignState next,
                            Next(campaign, row.campaign().state(), Verb::kFinish));
    row.mutable_campaign()->set_state(next);
    SaveCampaign(tx, row);
    tx.AppendChange(rpc::ChangeByLoop("internal:launch", campaign, "campaign.finished", row.revision(),
                                      clock_.WallMicros()));
    return absl::OkStatus();
  });
}

// One line when trouble begins or changes, one when it ends; not one each round.
void LaunchLoop::Note(const std::string& campaign, const absl::Status& status) {
  if (status.ok()) {
    if (troubles_.erase(campaign) > 0)
      base::Log(base::LogLevel::kInfo, "campaign.launch_recovered", {{"campaign", campaign}});
    return;
  }
  std::string reason = base::ReasonOf(status);
  if (reason.empty()) reason = absl::StatusCodeToString(status.code());
  if (troubles_[campaign] == reason) return;
  troubles_[campaign] = reason;
  base::Log(base::LogLevel::kWarning, "campaign.launch_trouble",
            {{"campaign", campaign}, {"reason", reason}});
}

}  // namespace pharos::campaign
