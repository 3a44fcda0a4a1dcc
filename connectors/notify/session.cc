#include "connectors/notify/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <random>
#include <thread>
#include <unordered_set>

#include "connectors/notify/allowance.h"
#include "connectors/notify/notify_answer.h"
#include "services/base/ids.h"
#include "services/base/log.h"

namespace pharos::notify {
namespace {

constexpr auto kBusyTick =
    std::chrono::milliseconds(5);  // looks at use-bys and the send queue while something is open
constexpr auto kIdleTick = std::chrono::milliseconds(100);
constexpr int kLossesToPause = 3;  // connections lost, or 5xx, in a row: each leaves a message in doubt
constexpr int kQuestionTurn = 10;  // every tenth request may be a question though messages wait
const Ending kLeave{"", "", true};
constexpr std::string_view kSandboxName = "pharos-sandbox";
constexpr char kTrialRefusal[] =
    "trial mode: the provider does not say that it is a sandbox (X-Pharos-Sandbox at /_status), so nothing "
    "is sent "
    "through it; point this connector to pharos-sandbox, or go live: one person proposes the act GO_LIVE, "
    "another "
    "confirms it";

// What an exchange is for.
struct Errand {
  enum class Kind { kStatus, kTemplate, kSend, kQuestion } kind = Kind::kStatus;
  sdk::Task task;     // kSend
  std::string body;   // kSend
  Question question;  // kQuestion
};

work::Outcome Refused(const char* reason, bool permanent = false) {
  work::Outcome outcome;
  outcome.mutable_refused()->set_reason(reason);
  outcome.mutable_refused()->set_permanent(permanent);
  return outcome;
}

work::Outcome NoAnswer(const char* reason) {
  work::Outcome outcome;
  outcome.mutable_no_answer()->set_reason(reason);
  return outcome;
}

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
        tokens_(options_.key),
        allowance_(options_.per_second, options_.per_minute),
        questions_(WithKind(options_)),
        backoff_us_(options_.reconnect_first_us) {}

  void Run();
  template <typename Change>
  void Post(Change change) {
    boost::asio::post(io_, std::move(change));
  }
  // In the thread:
  void Begin(sdk::Task task);
  void Recall(const std::vector<std::string>& ids);
  void LookUp(const std::vector<std::string>& ids);
  void SetLive(bool live);
  void BeginStop(int64_t grace_us);

  std::thread thread_;

 private:
  using Owned = std::shared_ptr<Connection>;
  using OwnedErrand = std::unique_ptr<Errand>;

  static QuestionOptions WithKind(const SessionOptions& options) {
    QuestionOptions questions = options.questions;
    questions.kind = options.send.kind;
    return questions;
  }
  int64_t Now() const { return clock_.BootMicros(); }
  bool Trial() const { return !options_.live.value_or(false); }
  bool Allowed(const Connection& c) const { return !Trial() || c.sandbox(); }
  // pool
  void ArmTick();
  void Hurry();
  void Tick();
  void OpenOne();
  void OpenWhereNeeded();
  void OnReady(Connection& c);
  void OnEnded(Connection& c, const Ending& ending);
  void CloseIdle();
  Connection* Idle();
  void Pause(int64_t wait_us);
  void Down(const Trouble& trouble, int64_t wait_us);
  // errands
  void Pump();
  OwnedErrand NextErrand();
  void Carry(Connection& c, OwnedErrand errand);
  std::string RequestFor(const Errand& errand);
  void OnAnswered(Connection& c, uint64_t number, const HttpAnswer& answer, int64_t sent_us);
  void OnLost(uint64_t number, Loss loss, int64_t sent_us);
  void HearTemplate(const HttpAnswer& answer);
  void HearSend(Errand& errand, const HttpAnswer& answer, int64_t sent_us);
  void HearQuestion(const Errand& errand, const HttpAnswer& answer);
  void HearTrouble(const Trouble& trouble);
  // messages
  void Finish(const sdk::Task& task, work::Outcome outcome, int64_t sent_us = 0);
  void RefuseWaiting(const char* reason);
  void DropOverdue();
  // words
  void Say(bool up, const std::string& problem, const std::string& detail);
  void Tell();
  void StopIfDrained();

  SessionOptions options_;
  const std::unique_ptr<sdk::HardStop> hard_stop_;
  const SessionEvents events_;
  base::Clock& clock_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  boost::asio::steady_timer timer_;
  std::mt19937 jitter_;
  TokenMaker tokens_;
  Allowance allowance_;
  Questions questions_;

  std::map<uint64_t, OwnedErrand> errands_;  // on connections; before them, for they hold its task
  std::vector<Owned> connections_;
  std::deque<OwnedErrand> waiting_;       // messages
  std::unordered_set<std::string> open_;  // attempts taken and not finished
  uint64_t next_number_ = 1, turn_ = 0;
  bool up_ = false;  // the template was seen, and nothing has gone wrong since
  bool probing_ = false, stopping_ = false, done_ = false, idle_tick_ = false;
  int losses_ = 0;
  int64_t backoff_us_, next_open_us_ = 0, held_until_us_ = 0, stop_by_us_ = 0;
  LinkWords words_, told_;
  bool ever_told_ = false;
};

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

// ---- connections

// One to find out whether the provider is there, which stays; more as messages wait and may go.
void Session::Impl::OpenWhereNeeded() {
  if (stopping_ || !options_.live || Now() < next_open_us_) return;
  if (connections_.empty()) OpenOne();
  if (!up_) {
    for (const auto& c : std::vector<Owned>(connections_))
      if (c->ready()) OnReady(*c);
    return;
  }
  size_t opening = 0;
  for (const auto& c : connections_) opening += c->opening();
  if (!waiting_.empty() && opening == 0 && !Idle() && allowance_.Has(Now()) &&
      connections_.size() < static_cast<size_t>(options_.connections))
    OpenOne();
}

void Session::Impl::OpenOne() {
  ConnectionEvents events;
  events.ready = [this](Connection& c) { OnReady(c); };
  events.answered = [this](Connection& c, uint64_t number, const HttpAnswer& answer, int64_t sent_us) {
    OnAnswered(c, number, answer, sent_us);
  };
  events.lost = [this](Connection&, uint64_t number, Loss loss, int64_t sent_us) {
    OnLost(number, loss, sent_us);
  };
  events.ended = [this](Connection& c, const Ending& ending) { OnEnded(c, ending); };
  connections_.push_back(
      std::make_shared<Connection>(io_, options_.connection, *hard_stop_, std::move(events), clock_));
  Owned(connections_.back())->Open();
}

void Session::Impl::OnReady(Connection& c) {
  if (stopping_) return c.Reset(kLeave);
  auto errand = std::make_unique<Errand>();
  if (Trial() && !c.asked_status()) return Carry(c, std::move(errand));
  if (!Allowed(c)) return c.Reset({"NOT_A_SANDBOX", kTrialRefusal});
  if (up_) return Pump();
  if (probing_ || Now() < next_open_us_ || !allowance_.Take(Now())) return;  // looked at again by the tick
  probing_ = true;
  errand->kind = Errand::Kind::kTemplate;
  Carry(c, std::move(errand));
}

void Session::Impl::OnEnded(Connection& c, const Ending& ending) {
  std::erase_if(connections_, [&](const Owned& other) { return other.get() == &c; });
  if (stopping_ || ending.ours) return;
  // One that was of use and is lost at work is replaced; several in a row, or one that never was, are the
  // provider's trouble.
  if (ending.words.empty() && c.answers() > 0) return;
  Trouble trouble{ending.problem, ending.words};
  if (ending.words.empty()) trouble = {"PROTOCOL_ERROR", "the provider closes connections without an answer"};
  if (ending.problem == "NOT_A_SANDBOX") return Down(trouble, options_.reconnect_most_us);
  if (c.answers() > 0 && ++losses_ < kLossesToPause) return;
  bool others = std::any_of(connections_.begin(), connections_.end(),
                            [](const Owned& other) { return other->ready() || other->busy(); });
  if (up_ && others) return Pause(backoff_us_);
  Down(trouble, trouble.problem == "BAD_CERTIFICATE" ? options_.reconnect_most_us : backoff_us_);
}

void Session::Impl::Pause(int64_t wait_us) {
  wait_us += std::uniform_int_distribution<int64_t>(0, wait_us / 4)(jitter_);
  // Connections that are lost together are one trouble.
  if (Now() >= next_open_us_) backoff_us_ = std::min(backoff_us_ * 2, options_.reconnect_most_us);
  next_open_us_ = std::max(next_open_us_, Now() + wait_us);
}

void Session::Impl::Down(const Trouble& trouble, int64_t wait_us) {
  up_ = false;
  losses_ = 0;
  Pause(wait_us);
  Say(false, trouble.problem, trouble.words);
  RefuseWaiting("NO_LINK");
}

void Session::Impl::CloseIdle() {
  for (const auto& c : std::vector<Owned>(connections_))
    if (connections_.size() > 1 && c->ready() && Now() - c->idle_since_us() > options_.idle_close_us)
      c->Reset(kLeave);
}

Connection* Session::Impl::Idle() {
  for (const auto& c : connections_)
    if (c->ready() && Allowed(*c) && (!Trial() || c->asked_status())) return c.get();
  return nullptr;
}

void Session::Impl::SetLive(bool live) {
  if (options_.live == live) return;
  options_.live = live;
  next_open_us_ = 0;
  if (up_ || !connections_.empty()) {
    up_ = false;
    Say(false, "STARTING", "the mode has changed; the provider is looked at again");
    RefuseWaiting("NO_LINK");
  }
  // A connection proves what it leads to when it is new.
  for (const auto& c : std::vector<Owned>(connections_))
    if (!c->busy()) c->Reset(kLeave);
  OpenWhereNeeded();
  Tell();
}

// ---- errands

void Session::Impl::Pump() {
  while (up_ && !stopping_ && allowance_.Has(Now())) {
    Connection* c = Idle();
    if (!c) return OpenWhereNeeded();
    OwnedErrand errand = NextErrand();
    if (!errand) return;
    allowance_.Take(Now());
    Carry(*c, std::move(errand));
  }
}

Session::Impl::OwnedErrand Session::Impl::NextErrand() {
  DropOverdue();
  bool may_send = !waiting_.empty() && Now() >= held_until_us_;
  if (!may_send || ++turn_ % kQuestionTurn == 0) {
    if (auto question = questions_.Next(Now(), clock_.WallMicros(), true)) {
      auto errand = std::make_unique<Errand>();
      errand->kind = Errand::Kind::kQuestion;
      errand->question = *std::move(question);
      return errand;
    }
  }
  if (!may_send) return nullptr;
  OwnedErrand errand = std::move(waiting_.front());
  waiting_.pop_front();
  return errand;
}

std::string Session::Impl::RequestFor(const Errand& errand) {
  const Endpoint& where = options_.connection.endpoint;
  switch (errand.kind) {
    case Errand::Kind::kStatus:
      return Get(where, kStatusPath, "");
    case Errand::Kind::kTemplate:
      return Get(where, TemplatePath(options_.send.template_id), tokens_.At(clock_.WallMicros()));
    case Errand::Kind::kSend:
      return notify::Post(where, SendPath(options_.send.kind), tokens_.At(clock_.WallMicros()), errand.body);
    case Errand::Kind::kQuestion:
      return Get(where, errand.question.path, tokens_.At(clock_.WallMicros()));
  }
  return "";
}

void Session::Impl::Carry(Connection& c, OwnedErrand errand) {
  Exchange exchange;
  exchange.number = next_number_++;
  exchange.request = RequestFor(*errand);
  if (errand->kind == Errand::Kind::kSend) exchange.task = &errand->task;
  errands_[exchange.number] = std::move(errand);
  Hurry();
  c.Carry(std::move(exchange));
}

void Session::Impl::OnAnswered(Connection& c, uint64_t number, const HttpAnswer& answer, int64_t sent_us) {
  auto node = errands_.extract(number);
  if (node.empty()) return;
  Errand& errand = *node.mapped();
  switch (errand.kind) {
    case Errand::Kind::kStatus:
      return c.SetStatus(answer.sandbox == kSandboxName);
    case Errand::Kind::kTemplate:
      return HearTemplate(answer);
    case Errand::Kind::kSend:
      return HearSend(errand, answer, sent_us);
    case Errand::Kind::kQuestion:
      return HearQuestion(errand, answer);
  }
}

void Session::Impl::OnLost(uint64_t number, Loss loss, int64_t sent_us) {
  auto node = errands_.extract(number);
  if (node.empty()) return;
  OwnedErrand errand = std::move(node.mapped());
  if (errand->kind == Errand::Kind::kTemplate) probing_ = false;
  if (errand->kind == Errand::Kind::kQuestion) return questions_.Failed(errand->question, Now());
  if (errand->kind != Errand::Kind::kSend) return;
  switch (loss) {
    case Loss::kNotBegun:
      if (stopping_ || !up_) return Finish(errand->task, Refused(stopping_ ? "SHUTTING_DOWN" : "NO_LINK"));
      waiting_.push_front(std::move(errand));  // its use-by is looked at again
      return;
    case Loss::kLate:
      return Finish(errand->task, Refused("LEASE_OVER"));
    case Loss::kCutShort:
      return Finish(errand->task, Refused("NO_LINK"));
    case Loss::kNoAnswer:
      return Finish(errand->task, NoAnswer("LINK_LOST"), sent_us);
    case Loss::kTimeout:
      return Finish(errand->task, NoAnswer("RESPONSE_TIMEOUT"), sent_us);
  }
}

void Session::Impl::HearTemplate(const HttpAnswer& answer) {
  probing_ = false;
  if (stopping_) return;
  if (answer.status != 200) {
    Trouble trouble = JudgeAsking(answer.status, answer.body, answer.retry_after_s, clock_.WallMicros());
    if (trouble.too_fast) return HearTrouble(trouble);
    return Down(trouble, std::max(trouble.pause_us, backoff_us_));
  }
  auto given = ReadTemplate(answer.body);
  std::string wrong = given.ok() ? WrongWithTemplate(*given, options_.send.kind)
                                 : "what answers at --url is not GOV.UK Notify; check the address";
  if (!wrong.empty())
    return Down({given.ok() ? "WRONG_ACCOUNT" : "PROTOCOL_ERROR", wrong}, options_.reconnect_most_us);
  up_ = true;
  Say(true, "", "ready");
}

void Session::Impl::HearSend(Errand& errand, const HttpAnswer& answer, int64_t sent_us) {
  const work::Attempt& attempt = errand.task.attempt;
  SendVerdict verdict = JudgeSend(answer.status, answer.body, base::ToHex(attempt.id()), answer.retry_after_s,
                                  clock_.WallMicros());
  if (verdict.outcome.has_accepted()) {
    losses_ = 0;
    backoff_us_ = options_.reconnect_first_us;
    if (IsSmokeRecipient(options_.send.kind, attempt.address()))
      verdict.outcome.mutable_accepted()->clear_provider_ids();  // nobody will ever hear of it again
    else
      questions_.Sent(attempt.id(), verdict.notify_id, clock_.WallMicros());
  }
  bool in_trouble = verdict.outcome.has_no_answer() && ++losses_ >= kLossesToPause;
  Finish(errand.task, std::move(verdict.outcome), sent_us);
  HearTrouble(verdict.trouble);
  if (in_trouble && up_) Down(JudgeAsking(500, "", 0, clock_.WallMicros()), backoff_us_);
}

void Session::Impl::HearQuestion(const Errand& errand, const HttpAnswer& answer) {
  if (answer.status != 200) {
    questions_.Failed(errand.question, Now());
    bool of_the_link = answer.status == 401 || answer.status == 403 || answer.status == 429;
    if (of_the_link)
      HearTrouble(JudgeAsking(answer.status, answer.body, answer.retry_after_s, clock_.WallMicros()));
    return;
  }
  Learned learned = questions_.Answered(errand.question, answer.body, Now(), clock_.WallMicros(),
                                        [this](const std::string& id) { return open_.count(id) > 0; });
  if (!learned.findings.empty() && events_.found) {
    work::Findings findings;
    for (auto& finding : learned.findings) *findings.add_findings() = std::move(finding);
    events_.found(std::move(findings));
  }
  for (auto& receipt : learned.receipts) {
    std::string reference = receipt.provider_id();
    std::string key = fmt::format("{}/{}", reference, static_cast<int>(receipt.state()));
    if (events_.receipt(key, std::move(receipt))) questions_.Settled(reference);
  }
}

void Session::Impl::HearTrouble(const Trouble& trouble) {
  if (trouble.problem.empty() || stopping_) return;
  if (trouble.too_fast) {
    allowance_.Slow(Now(), trouble.pause_us);
    if (up_) Say(true, trouble.problem, trouble.words);
    return;
  }
  if (trouble.problem != "DAILY_LIMIT") return Down(trouble, trouble.pause_us);
  held_until_us_ = Now() + trouble.pause_us;  // questions go on: what is in doubt is still found out
  Say(false, trouble.problem, trouble.words);
  RefuseWaiting("NO_LINK");
}

// ---- messages

void Session::Impl::Begin(sdk::Task task) {
  auto errand = std::make_unique<Errand>();
  errand->kind = Errand::Kind::kSend;
  errand->task = std::move(task);
  open_.insert(errand->task.attempt.id());
  if (stopping_ || !up_ || Now() < held_until_us_)
    return Finish(errand->task, Refused(stopping_ ? "SHUTTING_DOWN" : "NO_LINK"));
  auto body = SendBody(errand->task.attempt, options_.send);
  if (!body.ok()) return Finish(errand->task, Refused("NOT_ENCODABLE", true));
  errand->body = *std::move(body);
  waiting_.push_back(std::move(errand));
  Pump();
  Hurry();
}

void Session::Impl::Recall(const std::vector<std::string>& ids) {
  std::unordered_set<std::string> recalled(ids.begin(), ids.end());
  std::vector<OwnedErrand> dropped;
  std::erase_if(waiting_, [&](OwnedErrand& errand) {
    if (recalled.count(errand->task.attempt.id()) == 0) return false;
    dropped.push_back(std::move(errand));
    return true;
  });
  for (const auto& errand : dropped) Finish(errand->task, Refused("RECALLED"));
}

void Session::Impl::LookUp(const std::vector<std::string>& ids) {
  questions_.LookUp(ids, Now());
  Pump();
  Hurry();
}

void Session::Impl::Finish(const sdk::Task& task, work::Outcome outcome, int64_t sent_us) {
  if (sent_us > 0) outcome.set_elapsed_us(sent_us - task.pull_sent_us);
  open_.erase(task.attempt.id());
  events_.finished(task.attempt.id(), std::move(outcome));
}

void Session::Impl::RefuseWaiting(const char* reason) {
  std::deque<OwnedErrand> refused;
  refused.swap(waiting_);
  for (const auto& errand : refused) Finish(errand->task, Refused(reason));
}

void Session::Impl::DropOverdue() {
  int64_t now = Now();
  while (!waiting_.empty() && now >= waiting_.front()->task.use_by_us) {
    OwnedErrand late = std::move(waiting_.front());
    waiting_.pop_front();
    Finish(late->task, Refused("LEASE_OVER"));
  }
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
