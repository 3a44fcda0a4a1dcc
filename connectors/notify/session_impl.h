// The inside of Session, in four parts: session.cc (thread, words, ends), session_pool.cc (connections),
// session_errands.cc (what they carry, and what the answers mean), session_messages.cc (what waits). Only
// those include it. All members belong to the session's thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>

#include "connectors/notify/allowance.h"
#include "connectors/notify/notify_answer.h"
#include "connectors/notify/route_blame.h"
#include "connectors/notify/session.h"

namespace pharos::notify {

inline constexpr int kLossesToPause =
    3;  // connections lost, or 5xx, in a row: each may leave a message in doubt
inline const Ending kLeave{"", "", true};

// What an exchange is for.
struct Errand {
  enum class Kind { kStatus, kTemplate, kSend, kQuestion } kind = Kind::kStatus;
  sdk::Task task;     // kSend
  std::string body;   // kSend
  Question question;  // kQuestion
};

inline work::Outcome Refused(const char* reason, bool permanent = false) {
  work::Outcome outcome;
  outcome.mutable_refused()->set_reason(reason);
  outcome.mutable_refused()->set_permanent(permanent);
  return outcome;
}

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
  RouteBlame blame_;

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

}  // namespace pharos::notify
