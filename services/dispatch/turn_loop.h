// The heart of dispatch: one thread that owns all of its state. Inputs (plans, permits, outcomes, receipts,
// pulls, timers) queue up; the loop takes what is there, applies it in one transaction, hands that to the
// store, and lets its effects out only once it is on disk. Meanwhile the loop goes on with the next turn,
// which sees what is on its way; commits keep the order of the turns, and after one that fails nothing is
// committed and no effect comes out any more. So every effect on the outside comes from something that is on
// disk, and a hundred messages share one sync.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/base/queue.h"
#include "storage/store.h"

namespace pharos::dispatch {

// One pass of the loop. Everything in it commits together or not at all.
class Turn {
 public:
  Turn(storage::Transaction& tx, int64_t now_us) : tx(tx), now_us(now_us) {}

  storage::Transaction& tx;
  const int64_t now_us;  // wall time; it may be before the last turn's, where the clock was set

  // Runs on the loop's thread once the turn is durable, in the order given.
  void After(std::function<void()> effect) { effects_.push_back(std::move(effect)); }
  // The store cannot be read: nothing of this turn is written and the loop halts.
  void Fail(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }

 private:
  friend class TurnLoop;
  std::vector<std::function<void()>> effects_;
  absl::Status status_;
};

class TurnLoop {
 public:
  using Input = std::function<void(Turn&)>;

  TurnLoop(storage::Store& store, base::Clock& clock)
      : store_(store),
        clock_(clock),
        wall_then_us_(clock.WallMicros()),
        boot_then_us_(clock.BootMicros()),
        inputs_(kMaxInputs) {}
  ~TurnLoop() { Stop(); }

  // `tick` runs at the end of every turn, at least every kIdleMicros; `flush` last of all.
  void Start(Input tick, Input flush);
  void Stop();

  // Hands an input over; waits for room. False once stopped or halted. Not from the loop's own thread: use
  // PostSelf there.
  bool Post(Input input) { return inputs_.Push(std::move(input)); }
  // From the loop's own thread (effects): the next turn takes it.
  void PostSelf(Input input) { own_.push_back(std::move(input)); }
  // Posts and waits until the turn is durable. UNAVAILABLE (DISPATCH_HALTED) if it never will be. `input` may
  // still refuse by returning a status; it must then have written nothing.
  absl::Status Run(std::function<absl::Status(Turn&)> input);

  bool halted() const { return halted_; }

  // For tests that run turns by hand, without the thread: one turn with what effects posted before, then
  // `input`.
  void OneTurnForTest(Input input, Input tick, Input flush);
  std::vector<Input> TakeInputsForTest() { return inputs_.PopAll(kMaxInputs, 0); }

  static constexpr size_t kMaxInputs =
      4096;  // past this, callers wait: back-pressure to connectors and planners
  static constexpr size_t kInputsPerTurn = 32;   // each has up to 1,024 rows; the store takes 64 MiB at once
  static constexpr int64_t kIdleMicros = 5'000;  // how late a timer may be
  static constexpr int64_t kStepMicros =
      1'000'000;  // more than a clock is slewed between two turns; less moves no quiet hours
  static constexpr size_t kTurnsAhead = 2;  // on their way to the disk while the next one runs

 private:
  void Loop();
  // Wall time that steps only when somebody sets the clock: what it said once, and how long it has been
  // since, until the two are further apart than kStepMicros. Leases and backoffs are not measured with it.
  int64_t NowMicros();
  using Effects = std::vector<std::function<void()>>;
  absl::Status Apply(storage::Transaction& tx, std::vector<Input>& inputs, Effects& effects);
  void OneTurn(std::vector<Input> inputs);
  // The same, without waiting for the disk.
  void OneTurnAhead(std::vector<Input> inputs);
  // Lets out the effects of turns that are durable; waits while too many are not, or until all are.
  void LetOut(bool all);
  void Halt(const absl::Status& status);

  storage::Store& store_;
  base::Clock& clock_;
  int64_t wall_then_us_, boot_then_us_;  // loop thread only
  base::BoundedQueue<Input> inputs_;
  std::vector<Input> own_;  // loop thread only
  int64_t turned_at_us_ = 0;
  // A turn on its way to the disk.
  struct Committing {
    Effects effects;
    bool decided = false;
    absl::Status status;
  };
  base::Mutex ahead_mutex_;
  base::CondVar arrived_;
  std::deque<std::shared_ptr<Committing>> ahead_ ABSL_GUARDED_BY(ahead_mutex_);  // the oldest first
  Input tick_, flush_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> halted_ = false;
};

}  // namespace pharos::dispatch
