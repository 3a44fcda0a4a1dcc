// Messages to GOV.UK Notify: a pool of connections, one request at a time on each, hand-over under the hard
// stop; and what the provider has to be asked. One thread; no queue behind the use-by check. The completing
// byte is the last of the request's body: before it is written nothing is handed over, after that only the
// provider's answer tells. Nothing is ever written twice: a request that had begun is not repeated on another
// connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/notify/connection.h"
#include "connectors/notify/key.h"
#include "connectors/notify/questions.h"
#include "connectors/notify/request.h"
#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/work_book.h"
#include "services/base/clock.h"

namespace pharos::notify {

struct SessionOptions {
  ConnectionOptions connection;
  ApiKey key;
  SendSettings send;
  QuestionOptions questions;  // its kind is taken from `send`
  double per_second = 50, per_minute = 3'000;
  // May a real provider be used? False: only one whose /_status says "X-Pharos-Sandbox: pharos-sandbox".
  // nullopt: not known yet; nothing is connected before SetLive.
  std::optional<bool> live = false;

  int connections = 16;                  // at most: 50 a second, each a third of a second
  int64_t idle_close_us = 30'000'000;    // all but one
  int64_t reconnect_first_us = 500'000;  // doubles, with jitter, to …
  int64_t reconnect_most_us = 60'000'000;
};

// The link in words, without personal data; as LinkState.
struct LinkWords {
  bool up = false;
  bool ready = false;  // work may be taken
  std::string detail, problem;
  double rate = 0;
};

// Called from the session's thread; they must not wait.
struct SessionEvents {
  std::function<void(const std::string& id, work::Outcome)> finished;
  std::function<void(work::Findings)> found;
  // nullopt: no room; the provider is asked again later.
  std::function<std::optional<uint64_t>(const std::string& key, work::Receipt)> receipt;
  std::function<void(const LinkWords&)> link;
};

// Thread-safe.
class Session {
 public:
  Session(SessionOptions options, std::unique_ptr<sdk::HardStop> hard_stop, SessionEvents events,
          base::Clock& clock = base::Clock::System());
  ~Session();

  void Start();
  // The mode is known, or has changed.
  void SetLive(bool live);
  // Every task is answered by finished() exactly once.
  void Submit(std::vector<sdk::Task> tasks);
  // Those of them that have not begun are refused (RECALLED).
  void Recall(std::vector<std::string> ids);
  // The provider is asked about these attempts; found() follows for those of which it can be said.
  void LookUp(std::vector<std::string> ids);
  // Waits up to `grace_us` for answers, ends the thread. What is still open then is NO_ANSWER or refused.
  // Idempotent.
  void Stop(int64_t grace_us);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::notify
