// One transceiver session with a provider: binds, keeps a window of submissions open, hands over under the
// hard stop, hears receipts and people's messages, comes back when the link is lost. One thread, one socket,
// no queue behind the use-by check.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/work_book.h"
#include "connectors/smpp/inbound.h"
#include "connectors/smpp/submission.h"
#include "services/base/clock.h"

namespace pharos::smpp {

struct SessionOptions {
  std::string host = "127.0.0.1";
  int port = 2775;
  std::string system_id, password, system_type;
  int window = 64;  // submit_sm without an answer, in parts
  SubmitSettings submit;
  int inbound_id_tlv = 0;  // see InboundSettings
  // May a real provider be used? False: only one that calls itself "pharos-sandbox" in its answer to our
  // bind. nullopt: not known yet; nothing is connected before SetLive.
  std::optional<bool> live = false;
  int64_t bind_timeout_us = 10'000'000;
  int64_t response_timeout_us = 30'000'000;
  int64_t enquire_after_us = 30'000'000;  // of silence; two unanswered end the link
  int64_t reconnect_first_us = 200'000;   // doubles, with jitter, to …
  int64_t reconnect_most_us = 60'000'000;
  int64_t refused_backoff_us = 60'000'000;  // after a wrong password: providers lock accounts
  int64_t hard_stop_margin_us = 100'000;    // reset so long before the kill
  int64_t throttle_pause_us = 100'000;      // nothing is submitted so long after the provider throttled
  int send_queue_bytes = 16 * 1024;         // unacknowledged octets past which nothing new begins
};

// Called from the session's thread; they must not wait.
struct SessionEvents {
  std::function<void(const std::string& id, work::Outcome)> finished;
  // Keep it durably somewhere; Acknowledged(sequence) then answers the provider. nullopt: no room, the
  // session stops reading.
  std::function<std::optional<uint64_t>(const std::string& key, work::Receipt)> receipt;
  std::function<std::optional<uint64_t>(const std::string& key, work::InboundMessage)> inbound;
  // Up or down, in words without personal data.
  std::function<void(bool up, const std::string& detail)> link;
};

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
