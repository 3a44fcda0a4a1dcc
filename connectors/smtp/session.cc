#include "connectors/smtp/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <random>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "connectors/smtp/connection.h"
#include "connectors/smtp/idn.h"
#include "connectors/smtp/route_blame.h"
#include "services/base/log.h"

namespace pharos::smtp {
namespace {

constexpr auto kBusyTick =
    std::chrono::milliseconds(5);  // looks at use-bys and the send queue so often while something is open
constexpr auto kIdleTick = std::chrono::milliseconds(100);
constexpr int kLossesToPause = 3;  // connections lost in a row in the middle of work
constexpr int64_t kRoutePauseUs = 60'000'000;
constexpr int kLateToShow = 3;     // leases in a row that ended before the dot
constexpr size_t kWriteBatch = 4;  // messages a worker takes at once: a signature takes 0.25 ms, a lease 1 s
constexpr int64_t kSweepUs = 5'000;   // between looks at the leases of all that wait
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
        backoff_us_(options_.reconnect_first_us),
        pace_(PaceOf(options_), [this] { return std::uniform_real_distribution<double>(0, 1)(jitter_); }),
        writers_(options_.workers) {}

  void Run();
  template <typename Change>
  void Post(Change change) {
    boost::asio::post(io_, std::move(change));
  }
  // In the thread:
  void Begin(std::vector<sdk::Task> tasks);
  void Recall(const std::vector<std::string>& ids);
  void SetLive(bool live);
  void BeginStop(int64_t grace_us);
  // Outside the thread, after it has ended.
  void EndWriters() {
    writers_.stop();
    writers_.join();
  }

  std::thread thread_;

 private:
  using Owned = std::shared_ptr<Connection>;
  struct Written {
    std::string id;
    absl::StatusOr<Submission> submission;
  };
  static PaceOptions PaceOf(const SessionOptions& options) {
    PaceOptions pace = options.pace;
    pace.most_at_once = options.connections;
    return pace;
  }

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
  void OnWritten(std::vector<Written> written);
  bool Accept(const sdk::Task& task);
  void Wait(Submission submission);
  void Feed();
  std::optional<Submission> Next();
  void HearDomain(const std::string& domain, work::Outcome& outcome, int64_t begun_us);
  void HearOutcome(const work::Outcome& outcome);
  void Down(const std::string& detail, const std::string& problem, int64_t wait_us);
  void Pause(int64_t wait_us);
  void RefuseWaiting(
      const char* reason,
      const std::function<bool(const Submission&)>& which = [](const Submission&) { return true; });
  void RefuseDomain(const std::string& domain, int64_t wait_us);
  void DropOverdue();
  void Refuse(const std::string& id, const char* reason, bool permanent = false);
  void RefuseForDomain(const std::string& id, int64_t wait_us);
  void Say(bool up, const std::string& detail, const std::string& problem = "");
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
  // Written, waiting for a connection, by domain; domains take turns.
  std::unordered_map<std::string, std::deque<Submission>> waiting_;
  std::deque<std::string> turns_;  // domains that have something waiting, each once
  size_t waiting_count_ = 0;
  // Being written; what was recalled meanwhile.
  std::unordered_set<std::string> writing_, recalled_;
  struct Carried {
    std::string domain;
    std::string address;
    int64_t begun_us;
  };
  std::unordered_map<std::string, Carried> carried_;  // by id
  bool up_ =
      false;  // a connection has come so far that it could carry messages, and nothing has gone wrong since
  bool stopping_ = false, done_ = false, idle_tick_ = false;
  int limit_, losses_ = 0, late_ = 0, accepted_since_slow_ = 0;
  int64_t backoff_us_, next_open_us_ = 0, stop_by_us_ = 0, swept_us_ = 0;
  std::string said_;
  DomainPace pace_;
  RouteBlame blame_;
  boost::asio::thread_pool writers_;
};

void Session::Impl::Run() {
  OpenWhereNeeded();
  ArmTick();
  io_.run();
}

void Session::Impl::ArmTick() {
  bool busy = waiting_count_ > 0 || stopping_ ||
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
  if (waiting_count_ > 0 && up_) Feed();  // a domain may take more now
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
  while (connections_.size() < static_cast<size_t>(limit_) && opening < waiting_count_) {
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
  while (connection.ready()) {
    auto next = Next();
    if (!next) return;
    pace_.Begun(next->domain);
    carried_[next->task.attempt.id()] = {next->domain, next->task.attempt.address(), Now()};
    connection.Carry(*std::move(next));
  }
}

void Session::Impl::OnEnded(Connection& connection, const Ending& ending) {
  std::erase_if(connections_, [&](const Owned& c) { return c.get() == &connection; });
  if (stopping_) return;
  if (ending.slow) {
    limit_ = std::max(1, limit_ / 2);
    accepted_since_slow_ = 0;
    if (AnyCarries()) return Pause(backoff_us_);
    return Down(ending.trouble, "THROTTLED", backoff_us_);
  }
  if (ending.trouble.empty()) return;
  // One that is lost at work is replaced; several in a row, or one that never came so far, are the provider's
  // trouble.
  if (ending.was_ready && ++losses_ < kLossesToPause) return;
  if (AnyCarries()) return Pause(backoff_us_);
  Down(ending.trouble, ending.problem.empty() ? "UNREACHABLE" : ending.problem,
       ending.unreachable ? options_.reconnect_most_us : backoff_us_);
}

void Session::Impl::Pause(int64_t wait_us) {
  wait_us += std::uniform_int_distribution<int64_t>(0, wait_us / 4)(jitter_);
  // Connections that are lost together are one trouble.
  if (Now() >= next_open_us_) backoff_us_ = std::min(backoff_us_ * 2, options_.reconnect_most_us);
  next_open_us_ = std::max(next_open_us_, Now() + wait_us);
}

void Session::Impl::Down(const std::string& detail, const std::string& problem, int64_t wait_us) {
  up_ = false;
  Pause(wait_us);
  Say(false, detail, problem);
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
    Say(false, "the mode has changed; the provider is looked at again", "STARTING");
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

void Session::Impl::RefuseForDomain(const std::string& id, int64_t wait_us) {
  work::Outcome outcome;
  auto& refused = *outcome.mutable_refused();
  refused.set_reason("DOMAIN_BUSY");
  refused.set_retry_after_ms(wait_us / 1000);
  refused.set_scope(work::DOMAIN);
  events_.finished(id, std::move(outcome));
}

bool Session::Impl::Accept(const sdk::Task& task) {
  const std::string& id = task.attempt.id();
  if (stopping_ || !up_) {
    Refuse(id, stopping_ ? "SHUTTING_DOWN" : "NO_LINK");
    return false;
  }
  auto ascii = WithAsciiDomain(task.attempt.address());
  const int64_t pause = ascii ? pace_.Pause(DomainOf(*ascii), Now()) : 0;
  if (pause > 0) {
    RefuseForDomain(id, pause);
    return false;
  }
  return true;
}

void Session::Impl::Begin(std::vector<sdk::Task> tasks) {
  const Letterhead head{options_.bounce_domain, options_.token_key, options_.feedback_id, options_.signer};
  std::vector<sdk::Task> batch;
  auto give = [&] {
    if (batch.empty()) return;
    boost::asio::post(writers_, [this, head, batch = std::move(batch)]() mutable {
      std::vector<Written> written;
      for (auto& task : batch) {
        std::string id = task.attempt.id();
        written.push_back({id, MakeSubmission(std::move(task), head, clock_.WallMicros())});
      }
      Post([this, written = std::move(written)]() mutable { OnWritten(std::move(written)); });
    });
    batch.clear();
  };
  for (auto& task : tasks) {
    if (!Accept(task)) continue;
    writing_.insert(task.attempt.id());
    batch.push_back(std::move(task));
    if (batch.size() >= kWriteBatch) give();
  }
  give();
}

void Session::Impl::OnWritten(std::vector<Written> written) {
  for (auto& one : written) {
    writing_.erase(one.id);
    if (recalled_.erase(one.id) > 0) {
      Refuse(one.id, "RECALLED");
    } else if (stopping_ || !up_) {
      Refuse(one.id, stopping_ ? "SHUTTING_DOWN" : "NO_LINK");
    } else if (!one.submission.ok()) {
      const bool never = absl::IsInvalidArgument(one.submission.status());
      Refuse(one.id, never ? "NOT_ENCODABLE" : "NOT_SIGNED", never);
    } else {
      Wait(*std::move(one.submission));
    }
  }
  Feed();
}

void Session::Impl::Wait(Submission submission) {
  auto& queue = waiting_[submission.domain];
  if (queue.empty()) turns_.push_back(submission.domain);
  queue.push_back(std::move(submission));
  ++waiting_count_;
}

void Session::Impl::Feed() {
  for (const auto& c : std::vector<Owned>(connections_))
    if (c->ready() && waiting_count_ > 0) OnReady(*c);
  OpenWhereNeeded();
  Hurry();
}

// The next of the first domain in turn that takes one now.
std::optional<Submission> Session::Impl::Next() {
  const int64_t now = Now();
  for (size_t i = 0, n = turns_.size(); i < n; ++i) {
    std::string domain = std::move(turns_.front());
    turns_.pop_front();
    auto found = waiting_.find(domain);
    if (!pace_.MayBegin(domain, now)) {
      turns_.push_back(std::move(domain));
      continue;
    }
    Submission next = std::move(found->second.front());
    found->second.pop_front();
    --waiting_count_;
    if (found->second.empty())
      waiting_.erase(found);
    else
      turns_.push_back(std::move(domain));
    return next;
  }
  return std::nullopt;
}

void Session::Impl::Recall(const std::vector<std::string>& ids) {
  std::unordered_set<std::string> wanted;
  for (const auto& id : ids) {
    if (writing_.count(id) > 0)
      recalled_.insert(id);
    else
      wanted.insert(id);
  }
  RefuseWaiting("RECALLED", [&](const Submission& s) { return wanted.count(s.task.attempt.id()) > 0; });
}

void Session::Impl::OnFinished(const std::string& id, work::Outcome outcome) {
  auto found = carried_.find(id);
  if (found != carried_.end()) {
    HearDomain(found->second.domain, outcome, found->second.begun_us);
    if (outcome.has_rejected()) blame_.Weigh(found->second.address, *outcome.mutable_rejected());
    carried_.erase(found);
  }
  HearOutcome(outcome);
  events_.finished(id, std::move(outcome));
}

// What an outcome says about the domain; a deferral tells dispatch how long to leave it alone.
void Session::Impl::HearDomain(const std::string& domain, work::Outcome& outcome, int64_t begun_us) {
  if (outcome.has_accepted()) return pace_.Accepted(domain, Now() - begun_us);
  const bool deferred =
      outcome.has_rejected() && outcome.rejected().transient() && outcome.rejected().scope() == work::DOMAIN;
  if (!deferred) return pace_.Ended(domain);
  const int64_t wait_us = pace_.Deferred(domain, Now());
  auto& rejected = *outcome.mutable_rejected();
  if (wait_us > 0) {
    rejected.set_retry_after_ms(std::max<int64_t>(rejected.retry_after_ms(), wait_us / 1000));
    RefuseDomain(domain, wait_us);
  }
}

void Session::Impl::RefuseDomain(const std::string& domain, int64_t wait_us) {
  auto found = waiting_.find(domain);
  if (found == waiting_.end()) return;
  auto refused = std::move(found->second);
  waiting_.erase(found);
  std::erase(turns_, domain);
  waiting_count_ -= refused.size();
  for (const auto& submission : refused) RefuseForDomain(submission.task.attempt.id(), wait_us);
}

// What an outcome says about the route.
void Session::Impl::HearOutcome(const work::Outcome& outcome) {
  if (outcome.has_refused()) {
    if (outcome.refused().reason() == "LEASE_OVER" && ++late_ == kLateToShow)
      Say(up_,
          "the provider takes longer to ask for a message than a permit lasts; messages wait and are tried "
          "again",
          "NO_ANSWER");
    return;
  }
  if (outcome.has_no_answer()) return;
  late_ = losses_ = 0;
  if (outcome.has_rejected() && IsRouteTrouble(outcome.rejected())) {
    if (outcome.rejected().scope() != work::ROUTE || !up_) return;
    std::string words = fmt::format(
        "the provider refuses our mail for the sender's or the route's sake ({}); nobody is "
        "marked for it; ask the provider",
        outcome.rejected().code());
    const char* problem = outcome.rejected().reason() == "POLICY" ? "BANNED" : "WRONG_ACCOUNT";
    return Down(words, problem, kRoutePauseUs);
  }
  if (outcome.has_rejected() && outcome.rejected().reason() == "SERVICE_CLOSING") return;
  backoff_us_ = options_.reconnect_first_us;
  if (!outcome.has_accepted()) return;
  blame_.Accepted();
  if (++accepted_since_slow_ % kAcceptedToWiden == 0) limit_ = std::min(limit_ + 1, options_.connections);
  if (up_) Say(true, "ready");
}

void Session::Impl::RefuseWaiting(const char* reason, const std::function<bool(const Submission&)>& which) {
  std::vector<std::string> refused;
  for (auto queue = waiting_.begin(); queue != waiting_.end();) {
    std::erase_if(queue->second, [&](const Submission& submission) {
      if (!which(submission)) return false;
      refused.push_back(submission.task.attempt.id());
      return true;
    });
    if (queue->second.empty()) {
      std::erase(turns_, queue->first);
      queue = waiting_.erase(queue);
    } else {
      ++queue;
    }
  }
  waiting_count_ -= refused.size();
  for (const auto& id : refused) Refuse(id, reason);
}

void Session::Impl::DropOverdue() {
  int64_t now = Now();
  if (waiting_count_ == 0 || now - swept_us_ < kSweepUs) return;
  swept_us_ = now;
  RefuseWaiting("LEASE_OVER", [now](const Submission& s) { return now >= s.task.use_by_us; });
}

void Session::Impl::Say(bool up, const std::string& detail, const std::string& problem) {
  std::string both = (up ? "+" : "-") + detail;
  if (both == said_) return;
  said_ = both;
  base::Log(up ? base::LogLevel::kInfo : base::LogLevel::kWarning, "provider_link",
            {{"up", up}, {"detail", detail}, {"problem", problem}});
  events_.link(up, detail, problem);
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
  if (done_ || !writing_.empty() || (!connections_.empty() && Now() < stop_by_us_)) return;
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
  impl_->Post([impl = impl_.get(), tasks = std::move(tasks)]() mutable { impl->Begin(std::move(tasks)); });
}

void Session::Recall(std::vector<std::string> ids) {
  impl_->Post([impl = impl_.get(), ids = std::move(ids)] { impl->Recall(ids); });
}

void Session::Stop(int64_t grace_us) {
  if (!impl_->thread_.joinable()) return;
  impl_->Post([impl = impl_.get(), grace_us] { impl->BeginStop(grace_us); });
  impl_->thread_.join();
  impl_->EndWriters();
}

}  // namespace pharos::smtp
