// smpp-drive: hands messages over to a provider with the connector's own session, without dispatch, and says
// what became of them as one line of JSON. For tests against other people's software and for measuring the
// connector by itself.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "connectors/sdk/flags.h"
#include "connectors/sdk/hard_stop.h"
#include "connectors/smpp/session.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"

namespace pharos::smpp {
namespace {

constexpr int64_t kLeaseUs = 1'200'000, kHardStopUs = 700'000;  // as the permit protocol has them

struct Plan {
  int count = 1000, in_flight = 128;
  int64_t patience_us = 30'000'000, receipts_wait_us = 3'000'000;
  std::string text;
  SessionOptions session;
};

// Gives tasks, one batch after another, as dispatch would, and counts.
class Drive {
 public:
  explicit Drive(Plan plan) : plan_(std::move(plan)) {}

  int Run() {
    auto hard_stop = sdk::HardStop::Make();
    if (!hard_stop.ok()) return 2;
    Session session(plan_.session, *std::move(hard_stop), Events());
    session_ = &session;
    session.Start();
    const int64_t begun = Now(), until = begun + plan_.patience_us;
    Feed(until);
    const int64_t elapsed = Now() - begun;
    WaitForReceipts();
    session.Stop(2'000'000);
    Print(elapsed);
    return 0;
  }

 private:
  static int64_t Now() { return base::Clock::System().BootMicros(); }

  SessionEvents Events() {
    SessionEvents events;
    events.finished = [this](std::vector<Finished> all) { OnFinished(std::move(all)); };
    events.receipt = [this](const std::string&, work::Receipt receipt) -> std::optional<uint64_t> {
      base::MutexLock lock(mutex_);
      ++receipts_;
      (ids_.count(receipt.provider_id()) ? matched_ : early_).insert(receipt.provider_id());
      acknowledge_.push_back(++kept_);
      changed_.NotifyAll();
      return kept_;
    };
    events.inbound = [this](const std::string&, work::InboundMessage) -> std::optional<uint64_t> {
      base::MutexLock lock(mutex_);
      ++inbound_;
      acknowledge_.push_back(++kept_);
      changed_.NotifyAll();
      return kept_;
    };
    events.link = [this](const LinkNews& news) {
      base::MutexLock lock(mutex_);
      up_ = news.up;
      if (!news.problem.empty()) problems_.insert(news.problem);
      changed_.NotifyAll();
    };
    return events;
  }

  void OnFinished(std::vector<Finished> all) {
    base::MutexLock lock(mutex_);
    for (auto& one : all) {
      --open_;
      if (one.outcome.has_accepted()) {
        ++accepted_;
        for (const auto& id : one.outcome.accepted().provider_ids()) ids_.insert(id);
      } else if (one.outcome.has_no_answer()) {
        ++in_doubt_;
      } else if (one.outcome.has_refused() || one.outcome.rejected().transient()) {
        ++again_;  // never handed over, or refused for now: the same message goes once more, with a new id
        due_.push_back(Now() + one.outcome.rejected().retry_after_ms() * 1000);
      } else {
        ++rejected_;
      }
    }
    changed_.NotifyAll();
  }

  sdk::Task Task(int number) {
    sdk::Task task;
    task.attempt.set_id(base::RandomBytes16());
    task.attempt.set_address(fmt::format("4477{:08}", number));
    task.attempt.set_sender("NHS");
    task.attempt.set_text(fmt::format("{} {}", plan_.text, number));
    task.pull_sent_us = Now();
    task.use_by_us = task.pull_sent_us + kLeaseUs;
    task.hard_stop_us = task.use_by_us + kHardStopUs;
    return task;
  }

  void Feed(int64_t until) {
    int next = 0;
    while (Now() < until) {
      std::vector<sdk::Task> tasks;
      std::vector<uint64_t> kept;
      {
        base::MutexLock lock(mutex_);
        const bool over = accepted_ + in_doubt_ + rejected_ >= plan_.count;
        if (over) return;
        while (up_ && open_ < plan_.in_flight && next < plan_.count) {
          tasks.push_back(Task(next++));
          ++open_;
        }
        const int64_t now = Now();
        for (size_t i = 0; up_ && i < due_.size() && open_ < plan_.in_flight;) {
          if (due_[i] > now) {
            ++i;
            continue;
          }
          due_[i] = due_.back();
          due_.pop_back();
          tasks.push_back(Task(next_again_++));
          ++open_;
        }
        kept.swap(acknowledge_);
        if (tasks.empty() && kept.empty()) changed_.WaitForMicros(lock, 5'000);
      }
      if (!tasks.empty()) session_->Submit(std::move(tasks));
      if (!kept.empty()) session_->Acknowledged(std::move(kept));
    }
  }

  void WaitForReceipts() {
    for (int64_t until = Now() + plan_.receipts_wait_us; Now() < until;) {
      std::vector<uint64_t> kept;
      {
        base::MutexLock lock(mutex_);
        kept.swap(acknowledge_);
        if (kept.empty()) changed_.WaitForMicros(lock, 20'000);
        if (kept.empty() && accepted_ > 0 && Matched() >= ids_.size()) return;
      }
      if (!kept.empty()) session_->Acknowledged(std::move(kept));
    }
  }

  size_t Matched() {
    size_t matched = matched_.size();
    for (const auto& id : early_) matched += ids_.count(id) && !matched_.count(id);
    return matched;
  }

  void Print(int64_t elapsed_us) {
    timespec cpu{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    base::MutexLock lock(mutex_);
    std::string problems;
    for (const auto& problem : problems_)
      problems += fmt::format("{}\"{}\"", problems.empty() ? "" : ",", problem);
    fmt::print(
        "{{\"accepted\":{},\"rejected\":{},\"in_doubt\":{},\"again\":{},\"receipts\":{},\"ids\":{},"
        "\"matched\":{},"
        "\"inbound\":{},\"seconds\":{:.3f},\"per_second\":{:.0f},\"cpu_us_a_message\":{:.1f},\"problems\":[{}"
        "]}}\n",
        accepted_, rejected_, in_doubt_, again_, receipts_, ids_.size(), Matched(), inbound_,
        elapsed_us / 1e6, accepted_ * 1e6 / static_cast<double>(std::max<int64_t>(1, elapsed_us)),
        (cpu.tv_sec * 1e6 + cpu.tv_nsec / 1e3) / std::max(1, accepted_), problems);
  }

  const Plan plan_;
  Session* session_ = nullptr;
  base::Mutex mutex_;
  base::CondVar changed_;
  int open_ = 0, accepted_ = 0, rejected_ = 0, in_doubt_ = 0, again_ = 0, receipts_ = 0, inbound_ = 0;
  int next_again_ = 50'000'000;
  bool up_ = false;
  uint64_t kept_ = 0;
  std::set<std::string> problems_;
  std::unordered_set<std::string> ids_, matched_, early_;
  std::vector<uint64_t> acknowledge_;
  std::vector<int64_t> due_;
};

int Main(int argc, char** argv) {
  auto flags = sdk::Flags::Parse(
      argc, argv,
      {"host", "port", "count", "in-flight", "window", "binds", "bind", "text", "patience-s", "receipt-id",
       "per-second", "long", "receipts-wait-s", "reconnect-ms"});
  if (!flags.ok()) {
    fmt::print(stderr, "smpp-drive: {}\n", std::string(flags.status().message()));
    return 2;
  }
  auto number = [&](const char* name, int64_t otherwise) {
    return flags->Number(name, otherwise, 0, 100'000'000).value_or(otherwise);
  };
  Plan plan;
  plan.count = static_cast<int>(number("count", 1000));
  plan.in_flight = static_cast<int>(number("in-flight", 128));
  plan.patience_us = number("patience-s", 30) * 1'000'000;
  plan.receipts_wait_us = number("receipts-wait-s", 3) * 1'000'000;
  plan.text = flags->Text("text", "Your appointment is tomorrow at ten. Reply STOP to opt out.");
  plan.session.host = flags->Text("host", "127.0.0.1");
  plan.session.port = static_cast<int>(number("port", 2775));
  plan.session.window = static_cast<int>(number("window", 100));
  plan.session.binds = static_cast<int>(number("binds", 1));
  plan.session.mode = flags->Text("bind", "transceiver") == "pair" ? BindMode::kPair : BindMode::kTransceiver;
  plan.session.per_second = static_cast<double>(number("per-second", 0));
  plan.session.receipt_ids =
      ReceiptIdRuleNamed(flags->Text("receipt-id", "auto")).value_or(ReceiptIdRule::kAuto);
  plan.session.reconnect_first_us = number("reconnect-ms", 100) * 1000;
  if (flags->Text("long", "udh") == "sar") plan.session.submit.long_form = LongForm::kSar;
  if (flags->Text("long", "udh") == "payload") plan.session.submit.long_form = LongForm::kPayload;
  plan.session.system_id = plan.session.password = "pharos";
  plan.session.live = true;
  return Drive(std::move(plan)).Run();
}

}  // namespace
}  // namespace pharos::smpp

int main(int argc, char** argv) {
  return pharos::smpp::Main(argc, argv);
}
