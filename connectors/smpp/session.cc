#include "connectors/smpp/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "connectors/smpp/bind.h"
#include "services/base/log.h"
#include "services/base/mutex.h"

namespace pharos::smpp {
namespace {

constexpr int64_t kBusyTickUs =
    5'000;  // looks at the send queue and at use-bys so often while something is open
constexpr int64_t kIdleTickUs = 100'000;
constexpr int64_t kLeastRateWaitUs = 1'000;  // a bucket holds more than this wins
constexpr int64_t kRateNewsUs = 1'000'000;
constexpr int64_t kThrottledNewsUs = 10'000'000;  // so long after a refusal the link counts as throttled

}  // namespace

class Session::Impl {
 public:
  Impl(SessionOptions options, std::unique_ptr<sdk::HardStop> hard_stop, SessionEvents events,
       base::Clock& clock)
      : account_(std::move(options), std::move(hard_stop), std::move(events), clock),
        wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    for (int i = 0; i < account_.options.binds; ++i) {
      if (account_.options.mode == BindMode::kTransceiver) {
        AddBind(Role::kTransceiver);
      } else {
        AddBind(Role::kTransmitter);
        AddBind(Role::kReceiver);
      }
    }
  }
  ~Impl() { close(wake_); }

  void Run();
  void Post(std::function<void()> change);  // to the thread
  // In the thread:
  void Begin(sdk::Task task) { account_.Take(std::move(task), CanSend()); }
  void Recall(const std::vector<std::string>& ids) { account_.Recall(ids); }
  void AnswerKept(const std::vector<uint64_t>& sequences);
  void BeginStop(int64_t grace_us);
  void SetLive(bool live);

  std::thread thread_;

 private:
  void AddBind(Role role) {
    binds_.push_back(std::make_unique<Bind>(account_, role, static_cast<int>(binds_.size())));
  }
  void RunPosted();
  void WaitForEvents();
  int64_t WaitUs();
  void Turn();
  void CheckHardStop();
  void CheckStop(int64_t now_us);
  void Report(int64_t now_us);
  LinkNews News(int64_t now_us);
  bool CanSend() const;
  template <typename Condition>
  bool Any(Condition condition) const {
    return std::any_of(binds_.begin(), binds_.end(), [&](const auto& bind) { return condition(*bind); });
  }

  Account account_;
  std::vector<std::unique_ptr<Bind>> binds_;
  const int wake_;

  base::Mutex mutex_;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(mutex_);

  // The rest belongs to the thread.
  std::vector<pollfd> fds_;
  bool done_ = false, unbinding_ = false;
  int64_t stop_by_us_ = 0, looked_us_ = 0, reported_us_ = 0;
  size_t first_ = 0;  // the connection that writes first in this turn
  LinkNews said_;
};

void Session::Impl::Post(std::function<void()> change) {
  {
    base::MutexLock lock(mutex_);
    posted_.push_back(std::move(change));
  }
  uint64_t one = 1;
  [[maybe_unused]] auto n = write(wake_, &one, sizeof one);
}

void Session::Impl::Run() {
  while (!done_) {
    WaitForEvents();
    RunPosted();
    Turn();
  }
  RunPosted();  // tasks that came too late are refused
  account_.TellOutcomes();
}

void Session::Impl::RunPosted() {
  std::vector<std::function<void()>> changes;
  {
    base::MutexLock lock(mutex_);
    changes.swap(posted_);
  }
  for (auto& change : changes) change();
}

bool Session::Impl::CanSend() const {
  return Any([](const Bind& b) { return b.bound() && b.sends(); });
}

int64_t Session::Impl::WaitUs() {
  const int64_t now = account_.Now();
  bool busy = account_.stopping || Any([](const Bind& b) { return b.armed() || b.stalled(); });
  int64_t wait = busy || !account_.waiting.empty() ? kBusyTickUs : kIdleTickUs;
  if (!account_.waiting.empty()) {
    int64_t rate_us = std::max(account_.own_rate.NextUs(now), account_.provider_rate.NextUs(now));
    if (rate_us > now) wait = std::clamp(rate_us - now, kLeastRateWaitUs, wait);
  }
  for (const auto& bind : binds_) {
    int64_t due = bind->WakeUs();
    if (due != INT64_MAX) wait = std::clamp<int64_t>(due - now, 0, wait);
  }
  return wait;
}

void Session::Impl::WaitForEvents() {
  fds_.assign(1, pollfd{wake_, POLLIN, 0});
  for (const auto& bind : binds_) fds_.push_back({bind->fd(), bind->PollEvents(), 0});  // -1 is passed over
  const int64_t wait_us = WaitUs();
  timespec timeout{wait_us / 1'000'000, wait_us % 1'000'000 * 1000};
  if (ppoll(fds_.data(), fds_.size(), &timeout, nullptr) <= 0) return;
  if (fds_[0].revents) {
    uint64_t count;
    [[maybe_unused]] auto n = read(wake_, &count, sizeof count);
  }
  for (size_t i = 0; i < binds_.size(); ++i)
    if (fds_[i + 1].revents && binds_[i]->fd() == fds_[i + 1].fd) binds_[i]->OnReady(fds_[i + 1].revents);
}

void Session::Impl::Turn() {
  const int64_t now = account_.Now();
  for (auto& bind : binds_) bind->Tick(now);
  CheckHardStop();
  if (now - looked_us_ >= kBusyTickUs) {
    looked_us_ = now;
    account_.DropOverdue(now);
    account_.provider_rate.Tick(now);
    account_.TellDueParts(now);
  }
  account_.stalled = Any([](const Bind& b) { return b.stalled(); });
  first_ = (first_ + 1) % binds_.size();
  for (size_t i = 0; i < binds_.size(); ++i) binds_[(first_ + i) % binds_.size()]->Pump();
  if (!account_.waiting.empty() && !CanSend())
    account_.RefuseWaiting(account_.stopping ? "SHUTTING_DOWN" : "NO_LINK");
  if (account_.stopping) CheckStop(now);
  account_.TellOutcomes();
  Report(now);
}

// Resets a connection shortly before the kill would come.
void Session::Impl::CheckHardStop() {
  const int64_t margin = account_.options.hard_stop_margin_us;
  const int64_t earliest = account_.hard_stop->Earliest();
  if (earliest == 0 || account_.Now() < earliest - margin) return;
  for (auto& bind : binds_) bind->ResetIfDueBy(account_.Now() + margin);
}

void Session::Impl::BeginStop(int64_t grace_us) {
  account_.stopping = true;
  stop_by_us_ = account_.Now() + grace_us;
}

// First everything open ends, or the grace does; then the connections are unbound; then it is over.
void Session::Impl::CheckStop(int64_t now_us) {
  bool drained = account_.waiting.empty() && !Any([](const Bind& b) { return !b.idle(); });
  const bool deaf = !Any([](const Bind& b) { return b.hears() && b.sends(); });
  if (!unbinding_ && (drained || now_us >= stop_by_us_ || deaf)) {
    unbinding_ = true;
    for (auto& bind : binds_) {
      bind->BeginUnbind(now_us);
      bind->Pump();
    }
    account_.RefuseWaiting("SHUTTING_DOWN");
  }
  if (unbinding_) done_ = !Any([](const Bind& b) { return !b.down(); });
}

void Session::Impl::SetLive(bool live) {
  if (account_.live == live) return;
  account_.live = live;
  for (auto& bind : binds_) bind->LiveChanged();
}

void Session::Impl::AnswerKept(const std::vector<uint64_t>& sequences) {
  for (uint64_t sequence : sequences) {
    auto it = account_.unanswered.find(sequence);
    if (it == account_.unanswered.end()) continue;
    for (const auto& ticket : it->second) binds_[static_cast<size_t>(ticket.bind)]->Answer(ticket);
    account_.unanswered.erase(it);
  }
  for (auto& bind : binds_) bind->Unstall();
}

LinkNews Session::Impl::News(int64_t now_us) {
  LinkNews news;
  news.up = CanSend();
  size_t bound = 0;
  const Bind* wrong = nullptr;
  for (const auto& bind : binds_) {
    bound += bind->bound();
    if (!bind->bound() && (!wrong || wrong->problem().empty() || wrong->problem() == "STARTING"))
      wrong = bind.get();
  }
  if (wrong) {
    news.problem = wrong->problem();
    news.detail = bound == 0 ? wrong->detail()
                             : fmt::format("{} of {} connections are bound; another: {}", bound,
                                           binds_.size(), wrong->detail());
  } else {
    news.detail = binds_.size() == 1 ? "bound" : fmt::format("bound, {} connections", binds_.size());
  }
  news.rate = account_.provider_rate.limit();
  bool throttled = account_.throttled_us != 0 && now_us - account_.throttled_us < kThrottledNewsUs;
  if (news.up && throttled && news.problem.empty()) {
    news.problem = "THROTTLED";
    news.detail += fmt::format(
        "; the provider refuses what exceeds its limit, now about {:.0f} parts a second. Messages wait, none "
        "is lost; "
        "ask the provider for more, or set --per-second",
        news.rate);
  }
  return news;
}

void Session::Impl::Report(int64_t now_us) {
  if (!account_.news && now_us - reported_us_ < kRateNewsUs) return;
  LinkNews news = News(now_us);
  account_.news = false;
  reported_us_ = now_us;
  bool rate_moved = std::abs(news.rate - said_.rate) > 0.02 * std::max(news.rate, said_.rate);
  bool same = news.up == said_.up && news.problem == said_.problem &&
              (news.problem == "THROTTLED" || news.detail == said_.detail);
  if (same && !rate_moved) return;
  if (!news.up && news.problem == "STARTING") return;  // nothing is known yet
  said_ = news;
  base::Log(news.up && news.problem.empty() ? base::LogLevel::kInfo : base::LogLevel::kWarning,
            "provider_link",
            {{"up", news.up}, {"problem", news.problem}, {"rate", news.rate}, {"detail", news.detail}});
  account_.events.link(news);
}

// ---- outside

Session::Session(SessionOptions options, std::unique_ptr<sdk::HardStop> hard_stop, SessionEvents events,
                 base::Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(hard_stop), std::move(events), clock)) {}

Session::~Session() {
  Stop(0);
}

void Session::Start() {
  impl_->thread_ = std::thread([this] { impl_->Run(); });
}

void Session::SetLive(bool live) {
  impl_->Post([this, live] { impl_->SetLive(live); });
}

void Session::Submit(std::vector<sdk::Task> tasks) {
  impl_->Post([this, tasks = std::move(tasks)]() mutable {
    for (auto& task : tasks) impl_->Begin(std::move(task));
  });
}

void Session::Recall(std::vector<std::string> ids) {
  impl_->Post([this, ids = std::move(ids)] { impl_->Recall(ids); });
}

void Session::Acknowledged(std::vector<uint64_t> sequences) {
  impl_->Post([this, sequences = std::move(sequences)] { impl_->AnswerKept(sequences); });
}

void Session::Stop(int64_t grace_us) {
  if (!impl_->thread_.joinable()) return;
  impl_->Post([this, grace_us] { impl_->BeginStop(grace_us); });
  impl_->thread_.join();
}

}  // namespace pharos::smpp
