// One account with a provider: its connections (transceivers, or transmitters with receivers), one queue of
// what is to be handed over, receipts and people's messages from whichever connection they come. One thread,
// no queue behind the use-by check.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/work_book.h"
#include "connectors/smpp/session_options.h"
#include "services/base/clock.h"

namespace pharos::smpp {

// Thread-safe.
class Session {
 public:
  Session(SessionOptions options, std::unique_ptr<sdk::HardStop> hard_stop, SessionEvents events,
          base::Clock& clock = base::Clock::System());
  ~Session();

  void Start();
  // The mode is known, or has changed: a provider that it does not allow is left, one that it allows is
  // bound.
  void SetLive(bool live);
  // Every task is answered by finished() exactly once.
  void Submit(std::vector<sdk::Task> tasks);
  // What of these has not begun is REFUSED (RECALLED).
  void Recall(std::vector<std::string> ids);
  // These receipts and messages are kept: answer the provider.
  void Acknowledged(std::vector<uint64_t> sequences);
  // Waits up to `grace_us` for answers, unbinds, ends the thread. What is still open then is NO_ANSWER or
  // refused. Idempotent.
  void Stop(int64_t grace_us);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::smpp
