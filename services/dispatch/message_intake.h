// Hands single messages to the loop, many in one input: a turn takes only so many inputs, and a thousand
// senders share one commit. Thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "services/base/mutex.h"
#include "services/dispatch/desk.h"

namespace pharos::dispatch {

class MessageIntake {
 public:
  MessageIntake(TurnLoop& loop, Desk& desk) : loop_(loop), desk_(desk) {}

  // Waits until each message is durable, or refused. They are changed as Desk::AcceptMessage says.
  std::vector<absl::Status> Accept(const std::vector<NewMessage*>& messages);

  static constexpr size_t kMostInTurn = 1'000;          // messages taken by one input
  static constexpr size_t kMostBytesInTurn = 16 << 20;  // and their content; the store takes 64 MiB at once

 private:
  struct Waiting;
  using WaitingPtr = std::shared_ptr<Waiting>;
  class Batch;
  class Input;
  void TakeSome(Turn& turn);
  // Those whose turn it is; sets `more` if others wait.
  std::vector<WaitingPtr> Next(bool& more);
  // The loop takes nothing any more.
  void RefuseAll();

  TurnLoop& loop_;
  Desk& desk_;
  base::Mutex mutex_;
  std::deque<WaitingPtr> waiting_ ABSL_GUARDED_BY(mutex_);
  bool posted_ ABSL_GUARDED_BY(mutex_) = false;  // an input is on its way to the loop
};

}  // namespace pharos::dispatch
