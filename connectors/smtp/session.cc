#include "connectors/smtp/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <random>
#include <thread>

#include "connectors/smtp/connection.h"
#include "services/base/log.h"

namespace pharos::smtp {
namespace {

constexpr auto kBusyTick =
    std::chrono::milliseconds(5);  // looks at use-bys and the send queue so often while something is open
constexpr auto kIdleTick = std::chrono::milliseconds(100);
constexpr int kLossesToPause = 3;         // connections lost in a row in the middle of work
constexpr int kRouteRefusalsToPause = 3;  // messages refused in a row for the route's sake
constexpr int64_t kRoutePauseUs = 60'000'000;
constexpr int kLateToShow = 3;        // leases in a row that ended before the dot
constexpr int kAcceptedToWiden = 50;  // messages, before one more connection is tried after a 421

}  // namespace

class Session::Impl {
 public:
  Impl(SessionOptions options, std::unique_ptr<sdk::HardStop> hard_stop, SessionEvents events,
       base::Clock& clock)
      : options_(std::move(options)),
        hard_stop_(std::move(hard_stop)),
        events_(std::move(events)),
        clock_(clock),
        guard_(boost::asio::make_work_guard(io_)),
        timer_(io_),
        jitter_(std::random_device{}()),
        limit_(options_.connections),
        backoff_us_(options_.reconnect_first_us) {}

  void Run();
  template <typename Change>
  void Post(Change change) {
    boost::asio::post(io_, std::move(change));
  }
  // In the thread:
  void Begin(sdk::Task task);
  void SetLive(bool live);
  void BeginStop(int64_t grace_us);

  std::thread thread_;

 private:
  using Owned = std::shared_ptr<Connection>;

  int64_t Now() const { return clock_.BootMicros(); }
  void ArmTick();
  void Hurry();
  void Tick();
  void OpenWhereNeeded();
  void OpenOne();
  void Leave();
  void CloseIdle();
  void StopIfDrained();
  void OnReady(Connection& connection);
  void OnEnded(Connection& connection, const Ending& ending);
  void OnFinished(const std::string& id, work::Outcome outcome);
  void HearOutcome(const work::Outcome& outcome);
  void Down(const std::string& detail, int64_t wait_us);
  void Pause(int64_t wait_us);
  void RefuseWaiting(const char* reason);
  void DropOverdue();
  void Refuse(const std::string& id, const char* reason, bool permanent = false);
  void Say(bool up, const std::string& detail);
  bool Allowed(const Connection& connection) const {
    return options_.live.value_or(false) || connection.sandbox();
  }
  bool AnyCarries() const;

  SessionOptions options_;
  const std::unique_ptr<sdk::HardStop> hard_stop_;
  const SessionEvents events_;
  base::Clock& clock_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  boost::asio::steady_timer timer_;
  std::mt19937 jitter_;

  std::vector<Owned> connections_;
  std::deque<Submission> waiting_;
  bool up_ =
      false;  // a connection has come so far that it could carry messages, and nothing has gone wrong since
  bool stopping_ = false, done_ = false, idle_tick_ = false;
  int limit_, losses_ = 0, route_refusals_ = 0, late_ = 0, accepted_since_slow_ = 0;
  int64_t backoff_us_, next_open_us_ = 0, stop_by_us_ = 0;
  std::string said_;
};

void Session::Impl::Run() {
  OpenWhereNeeded();
  ArmTick();
  io_.run();
}

void Session::Impl::ArmTick() {
  bool busy = !waiting_.empty() || stopping_ ||
              std::any_of(connections_.begin(), connections_.end(), [](const Owned& c) { return c->busy(); });
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
  for (const auto& connection : std::vector<Owned>(connections_)) connection->Tick();
  DropOverdue();
  CloseIdle();
  OpenWhereNeeded();
  if (stopping_) StopIfDrained();
}

// ---- connections

bool Session::Impl::AnyCarries() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const Owned& c) { return c->ready() || c->busy(); });
}

// One to find out whether the provider is there; more as messages wait.
void Session::Impl::OpenWhereNeeded() {
  if (stopping_ || !options_.live || Now() < next_open_us_) return;
  size_t opening = 0, carrying = 0;
  for (const auto& c : connections_) (c->ready() || c->busy() ? carrying : opening)++;
  if (!up_) {
    for (const auto& c : std::vector<Owned>(connections_))
      if (c->ready()) OnReady(*c);
    if (connections_.empty()) OpenOne();
    return;
  }
  while (connections_.size() < static_cast<size_t>(limit_) && opening < waiting_.size()) {
    OpenOne();
    ++opening;
  }
}

void Session::Impl::OpenOne() {
  ConnectionEvents events;
  events.ready = [this](Connection& c) { OnReady(c); };
  events.finished = [this](const std::string& id, work::Outcome outcome) {
    OnFinished(id, std::move(outcome));
  };
  events.ended = [this](Connection& c, const Ending& ending) { OnEnded(c, ending); };
  connections_.push_back(std::make_shared<Connection>(io_, options_, *hard_stop_, std::move(events), clock_));
  Owned(connections_.back())->Open();
}

void Session::Impl::OnReady(Connection& connection) {
  if (!Allowed(connection) || stopping_ || connection.messages() >= options_.messages_per_connection)
    return connection.Quit();
  if (!up_ && Now() >= next_open_us_) {
    up_ = true;
    losses_ = 0;
    Say(true, "ready");
  }
  while (connection.ready() && !waiting_.empty()) {
    Submission next = std::move(waiting_.front());
    waiting_.pop_front();
    connection.Carry(std::move(next));
  }
}

void Session::Impl::OnEnded(Connection& connection, const Ending& ending) {
  std::erase_if(connections_, [&](const Owned& c) { return c.get() == &connection; });
  if (stopping_) return;
  if (ending.slow) {
    limit_ = std::max(1, limit_ / 2);
    accepted_since_slow_ = 0;
    if (AnyCarries()) return Pause(backoff_us_);
    return Down(ending.trouble, backoff_us_);
  }
  if (ending.trouble.empty()) return;
  // One that is lost at work is replaced; several in a row, or one that never came so far, are the provider's
  // trouble.
  if (ending.was_ready && ++losses_ < kLossesToPause) return;
  if (AnyCarries()) return Pause(backoff_us_);
  Down(ending.trouble, ending.unreachable ? options_.reconnect_most_us : backoff_us_);
}

void Session::Impl::Pause(int64_t wait_us) {
  wait_us += std::uniform_int_distribution<int64_t>(0, wait_us / 4)(jitter_);
  next_open_us_ = std::max(next_open_us_, Now() + wait_us);
  backoff_us_ = std::min(backoff_us_ * 2, options_.reconnect_most_us);
}

void Session::Impl::Down(const std::string& detail, int64_t wait_us) {
  up_ = false;
  Pause(wait_us);
  Say(false, detail);
  RefuseWaiting("NO_LINK");
}

void Session::Impl::CloseIdle() {
  int64_t now = Now();
  for (const auto& c : std::vector<Owned>(connections_))
    if (c->ready() && (now - c->idle_since_us() > options_.idle_close_us || stopping_ || !Allowed(*c)))
      c->Quit();
}

void Session::Impl::SetLive(bool live) {
  if (options_.live == live) return;
  options_.live = live;
  next_open_us_ = 0;
  bool may_go_on =
      std::any_of(connections_.begin(), connections_.end(), [this](const Owned& c) { return Allowed(*c); });
  if (up_ && !may_go_on) {
    up_ = false;
    Say(false, "the mode has changed; the provider is looked at again");
    RefuseWaiting("NO_LINK");
  }
  CloseIdle();
  OpenWhereNeeded();
}

// ---- messages

void Session::Impl::Refuse(const std::string& id, const char* reason, bool permanent) {
  work::Outcome outcome;
  outcome.mutable_refused()->set_reason(reason);
  outcome.mutable_refused()->set_permanent(permanent);
  events_.finished(id, std::move(outcome));
}

void Session::Impl::Begin(sdk::Task task) {
  std::string id = task.attempt.id();
  if (stopping_ || !up_) return Refuse(id, stopping_ ? "SHUTTING_DOWN" : "NO_LINK");
  auto submission =
      MakeSubmission(std::move(task), options_.bounce_domain, options_.token_key, clock_.WallMicros());
  if (!submission.ok()) return Refuse(id, "NOT_ENCODABLE", true);
  waiting_.push_back(*std::move(submission));
  for (const auto& c : std::vector<Owned>(connections_))
    if (c->ready() && !waiting_.empty()) OnReady(*c);
  OpenWhereNeeded();
  Hurry();
}

void Session::Impl::OnFinished(const std::string& id, work::Outcome outcome) {
  HearOutcome(outcome);
  events_.finished(id, std::move(outcome));
}

// What an outcome says about the route.
void Session::Impl::HearOutcome(const work::Outcome& outcome) {
  if (outcome.has_refused()) {
    if (outcome.refused().reason() == "LEASE_OVER" && ++late_ == kLateToShow)
      Say(up_,
          "the provider takes longer to ask for a message than a permit lasts; messages wait and are tried "
          "again");
    return;
  }
  if (outcome.has_no_answer()) return;
  late_ = losses_ = 0;
  if (outcome.has_rejected() && IsRouteTrouble(outcome.rejected())) {
    std::string words = fmt::format(
        "the provider refuses our mail for the sender's or the route's sake ({}); nobody is "
        "marked for it; ask the provider",
        outcome.rejected().code());
    if (++route_refusals_ < kRouteRefusalsToPause) return Say(true, words);
    route_refusals_ = 0;
    return Down(words, kRoutePauseUs);
  }
  if (outcome.has_rejected() && outcome.rejected().reason() == "SERVICE_CLOSING") return;
  route_refusals_ = 0;
  backoff_us_ = options_.reconnect_first_us;
  if (!outcome.has_accepted()) return;
  if (++accepted_since_slow_ % kAcceptedToWiden == 0) limit_ = std::min(limit_ + 1, options_.connections);
  if (up_) Say(true, "ready");
}

void Session::Impl::RefuseWaiting(const char* reason) {
  std::deque<Submission> refused;
  refused.swap(waiting_);
  for (const auto& submission : refused) Refuse(submission.task.attempt.id(), reason);
}

void Session::Impl::DropOverdue() {
  int64_t now = Now();
  while (!waiting_.empty() && now >= waiting_.front().task.use_by_us) {
    std::string id = waiting_.front().task.attempt.id();
    waiting_.pop_front();
    Refuse(id, "LEASE_OVER");
  }
}

void Session::Impl::Say(bool up, const std::string& detail) {
  std::string both = (up ? "+" : "-") + detail;
  if (both == said_) return;
  said_ = both;
  base::Log(up ? base::LogLevel::kInfo : base::LogLevel::kWarning, "provider_link",
            {{"up", up}, {"detail", detail}});
  events_.link(up, detail);
}

// ---- ends

void Session::Impl::BeginStop(int64_t grace_us) {
  stopping_ = true;
  stop_by_us_ = Now() + grace_us;
  RefuseWaiting("SHUTTING_DOWN");
  for (const auto& c : std::vector<Owned>(connections_))
    if (!c->ready() && !c->busy()) c->Reset("stopped");  // still coming up
  CloseIdle();
  StopIfDrained();
  if (!done_) Hurry();
}

void Session::Impl::StopIfDrained() {
  if (done_ || (!connections_.empty() && Now() < stop_by_us_)) return;
  for (const auto& c : std::vector<Owned>(connections_)) c->Reset("stopped");
  done_ = true;
  Say(false, "stopped");
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

void Session::Stop(int64_t grace_us) {
  if (!impl_->thread_.joinable()) return;
  impl_->Post([impl = impl_.get(), grace_us] { impl->BeginStop(grace_us); });
  impl_->thread_.join();
}

}  // namespace pharos::smtp
