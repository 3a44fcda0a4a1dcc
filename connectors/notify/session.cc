#include "connectors/notify/session.h"

#include <algorithm>

#include "connectors/notify/session_impl.h"
#include "services/base/log.h"

namespace pharos::notify {
namespace {

constexpr auto kBusyTick =
    std::chrono::milliseconds(5);  // looks at use-bys and the send queue while something is open
constexpr auto kIdleTick = std::chrono::milliseconds(100);

}  // namespace

void Session::Impl::Run() {
  OpenWhereNeeded();
  ArmTick();
  io_.run();
}

void Session::Impl::ArmTick() {
  bool busy = !waiting_.empty() || !errands_.empty() || stopping_;
  idle_tick_ = !busy;
  timer_.expires_after(busy ? kBusyTick : kIdleTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (done_) return;
    if (!error) Tick();
    if (!done_) ArmTick();  // also when it was made shorter
  });
}

// An idle tick would come too late for what has just come. (Only that one is made shorter: under load the
// timer would never fire.)
void Session::Impl::Hurry() {
  if (idle_tick_) timer_.cancel();
  idle_tick_ = false;
}

void Session::Impl::Tick() {
  for (const auto& c : std::vector<Owned>(connections_)) c->Tick();
  DropOverdue();
  CloseIdle();
  Pump();
  OpenWhereNeeded();
  Tell();
  if (stopping_) StopIfDrained();
}

// ---- words

void Session::Impl::Say(bool up, const std::string& problem, const std::string& detail) {
  words_.up = up;
  words_.problem = problem;
  words_.detail = detail;
  Tell();
}

// Told when it has changed: the state, or the rate by a tenth.
void Session::Impl::Tell() {
  int64_t now = Now();
  bool held = now < held_until_us_;
  if (up_ && !held && !words_.up) Say(true, "", "ready");  // once; it comes back here
  if (up_ && words_.up && words_.problem == "THROTTLED" && !allowance_.slowed()) {
    words_.problem = "";
    words_.detail = "ready";
  }
  words_.rate = allowance_.rate();
  words_.ready = up_ && !held && !stopping_ && now >= allowance_.held_until_us();
  bool same = ever_told_ && words_.up == told_.up && words_.ready == told_.ready &&
              words_.detail == told_.detail && words_.problem == told_.problem &&
              words_.rate < told_.rate * 1.1 && words_.rate > told_.rate * 0.9;
  if (same || words_.detail.empty()) return;
  if (!ever_told_ || words_.detail != told_.detail || words_.up != told_.up)
    base::Log(words_.problem.empty() ? base::LogLevel::kInfo : base::LogLevel::kWarning, "provider_link",
              {{"up", words_.up}, {"problem", words_.problem}, {"detail", words_.detail}});
  ever_told_ = true;
  told_ = words_;
  events_.link(told_);
}

// ---- ends

void Session::Impl::BeginStop(int64_t grace_us) {
  stopping_ = true;
  stop_by_us_ = Now() + grace_us;
  RefuseWaiting("SHUTTING_DOWN");
  for (const auto& c : std::vector<Owned>(connections_))
    if (!c->busy()) c->Reset(kLeave);
  StopIfDrained();
  if (!done_) Hurry();
}

void Session::Impl::StopIfDrained() {
  bool sending = std::any_of(errands_.begin(), errands_.end(),
                             [](const auto& e) { return e.second->kind == Errand::Kind::kSend; });
  if (done_ || (sending && Now() < stop_by_us_)) return;
  for (const auto& c : std::vector<Owned>(connections_)) c->Reset(kLeave);
  done_ = true;
  up_ = false;
  Say(false, "STARTING", "stopped");
  timer_.cancel();
  guard_.reset();
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
  impl_->Post([impl = impl_.get(), live] { impl->SetLive(live); });
}

void Session::Submit(std::vector<sdk::Task> tasks) {
  impl_->Post([impl = impl_.get(), tasks = std::move(tasks)]() mutable {
    for (auto& task : tasks) impl->Begin(std::move(task));
  });
}

void Session::Recall(std::vector<std::string> ids) {
  impl_->Post([impl = impl_.get(), ids = std::move(ids)] { impl->Recall(ids); });
}

void Session::LookUp(std::vector<std::string> ids) {
  impl_->Post([impl = impl_.get(), ids = std::move(ids)] { impl->LookUp(ids); });
}

void Session::Stop(int64_t grace_us) {
  if (!impl_->thread_.joinable()) return;
  impl_->Post([impl = impl_.get(), grace_us] { impl->BeginStop(grace_us); });
  impl_->thread_.join();
}

}  // namespace pharos::notify
