#include "services/dispatch/turn_loop.h"

#include <cstdlib>
#include <future>
#include <memory>

#include "services/base/log.h"
#include "services/dispatch/errors.h"

namespace pharos::dispatch {
namespace {

// Tells the waiting caller the end of its input, once; that it will never be durable, if the input is dropped
// unrun.
class Finisher {
 public:
  ~Finisher() { Set(DispatchErrors::Halted()); }
  std::future<absl::Status> future() { return promise_.get_future(); }
  void Set(absl::Status status) {
    if (!std::exchange(done_, true)) promise_.set_value(std::move(status));
  }

 private:
  std::promise<absl::Status> promise_;
  bool done_ = false;
};

}  // namespace

void TurnLoop::Start(Input tick, Input flush) {
  tick_ = std::move(tick);
  flush_ = std::move(flush);
  thread_ = std::thread([this] { Loop(); });
}

void TurnLoop::Stop() {
  stopping_ = true;
  inputs_.Close();
  if (thread_.joinable()) thread_.join();
}

absl::Status TurnLoop::Run(std::function<absl::Status(Turn&)> input) {
  auto finisher = std::make_shared<Finisher>();
  auto durable = finisher->future();
  const bool posted = Post([input = std::move(input), finisher](Turn& turn) {
    absl::Status status = input(turn);
    turn.After([finisher, status] { finisher->Set(status); });
  });
  if (!posted) finisher->Set(DispatchErrors::Halted());
  finisher.reset();
  return durable.get();
}

void TurnLoop::Loop() {
  while (!stopping_ && !halted_) {
    LetOut(false);
    if (halted_) break;
    std::vector<Input> inputs = std::exchange(own_, {});
    for (auto& input : inputs_.PopAll(kInputsPerTurn, inputs.empty() ? kIdleMicros : 0))
      inputs.push_back(std::move(input));
    // Woken to let effects out: no turn of its own.
    if (inputs.empty() && clock_.BootMicros() - turned_at_us_ < kIdleMicros) continue;
    turned_at_us_ = clock_.BootMicros();
    OneTurnAhead(std::move(inputs));
  }
  LetOut(true);
  // What the last effects took back is known not to have been sent: say so while we still can.
  if (!halted_ && !own_.empty()) OneTurn(std::exchange(own_, {}));
  inputs_.Close();
  while (!inputs_.PopAll(kInputsPerTurn, 0).empty()) {
  }
}

int64_t TurnLoop::NowMicros() {
  const int64_t boot = clock_.BootMicros(), wall = clock_.WallMicros();
  const int64_t expected = wall_then_us_ + boot - boot_then_us_;
  if (std::llabs(wall - expected) <= kStepMicros) return expected;
  base::Log(base::LogLevel::kWarning, "dispatch.clock_set", {{"by_ms", (wall - expected) / 1000}});
  wall_then_us_ = wall;
  boot_then_us_ = boot;
  return wall;
}

void TurnLoop::LetOut(bool all) {
  for (;;) {
    std::shared_ptr<Committing> oldest;
    {
      base::MutexLock lock(ahead_mutex_);
      while (!ahead_.empty() && !ahead_.front()->decided && (all || ahead_.size() >= kTurnsAhead))
        arrived_.Wait(lock);
      if (ahead_.empty() || !ahead_.front()->decided) return;
      oldest = ahead_.front();
      ahead_.pop_front();
    }
    if (!oldest->status.ok()) {
      Halt(oldest->status);
    } else if (!halted_) {
      for (auto& effect : oldest->effects) effect();
    }
  }
}

void TurnLoop::Halt(const absl::Status& status) {
  if (!halted_.exchange(true))
    base::Log(base::LogLevel::kError, "dispatch.halted", {{"error", std::string(status.message())}});
}

void TurnLoop::OneTurnForTest(Input input, Input tick, Input flush) {
  tick_ = std::move(tick);
  flush_ = std::move(flush);
  std::vector<Input> inputs = std::exchange(own_, {});
  inputs.push_back(std::move(input));
  OneTurn(std::move(inputs));
}

absl::Status TurnLoop::Apply(storage::Transaction& tx, std::vector<Input>& inputs, Effects& effects) {
  Turn turn(tx, NowMicros());
  for (auto& input : inputs) input(turn);
  tick_(turn);
  flush_(turn);
  effects = std::move(turn.effects_);
  return turn.status_;
}

void TurnLoop::OneTurn(std::vector<Input> inputs) {
  Effects effects;
  int runs = 0;
  const absl::Status status = store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    // Nobody else writes to this store, so a conflict is impossible; running twice would count twice.
    if (++runs > 1) std::abort();
    return Apply(tx, inputs, effects);
  });
  if (!status.ok()) return Halt(status);
  for (auto& effect : effects) effect();
}

void TurnLoop::OneTurnAhead(std::vector<Input> inputs) {
  auto turn = std::make_shared<Committing>();
  {
    base::MutexLock lock(ahead_mutex_);
    ahead_.push_back(turn);
  }
  int runs = 0;
  const absl::Status status = store_.TransactAhead(
      [&](storage::Transaction& tx) -> absl::Status {
        if (++runs > 1) std::abort();
        return Apply(tx, inputs, turn->effects);
      },
      [this, turn](absl::Status durable) {
        base::MutexLock lock(ahead_mutex_);
        turn->status = std::move(durable);
        turn->decided = true;
        arrived_.NotifyAll();
        if (std::this_thread::get_id() != thread_.get_id()) inputs_.Nudge();
      });
  if (status.ok()) return;
  base::MutexLock lock(ahead_mutex_);
  turn->status = status;
  turn->decided = true;
}

}  // namespace pharos::dispatch
