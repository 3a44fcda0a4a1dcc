// Emails to one provider: a pool of connections, one recipient a transaction, hand-over under the hard stop.
// One thread speaks to the provider; messages are written and signed by workers before they wait for a
// connection, so that nothing dear lies behind the use-by check. No queue behind it either. The completing
// bytes are the final dot line (with TLS: the octets of the record that holds it): before they are written
// nothing is handed over, after that only the provider's answer tells.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/work_book.h"
#include "connectors/smtp/conversation.h"
#include "connectors/smtp/dkim.h"
#include "connectors/smtp/domain_pace.h"
#include "connectors/smtp/tls.h"
#include "services/base/clock.h"

namespace pharos::smtp {

struct SessionOptions {
  std::string host = "127.0.0.1";
  int port = 25;
  std::string ehlo = "localhost";
  TlsMode tls = TlsMode::kRequired;  // kOff: loopback only
  std::shared_ptr<TlsTrust> trust;   // needed unless kOff
  std::string user, password;
  bool implicit_tls = false;       // TLS from the first octet (RFC 8314; port 465), instead of STARTTLS
  bool password_is_token = false;  // an OAuth 2 access token: AUTH XOAUTH2
  std::string bounce_domain;       // of return paths and unsubscribe addresses
  std::string token_key;           // see address_token.h
  std::string feedback_id;         // see Letterhead
  std::shared_ptr<const DkimSigner> signer;  // null = unsigned
  int workers = 1;                           // threads that write and sign messages
  PaceOptions pace;                          // of receiving domains; most_at_once is taken from `connections`
  // May a real provider be used? False: only one that greets as "pharos-sandbox". nullopt: not known yet;
  // nothing is connected before SetLive.
  std::optional<bool> live = false;

  int connections = 4;                // at most
  int messages_per_connection = 100;  // then it is ended in order; providers like it
  int64_t idle_close_us = 30'000'000;
  int64_t connect_timeout_us = 30'000'000;   // TCP and TLS
  int64_t command_timeout_us = 300'000'000;  // RFC 5321, 4.5.3.2: five minutes for a command's answer
  int64_t final_timeout_us = 600'000'000;    // ten for the answer to the final dot
  int64_t reconnect_first_us = 1'000'000;    // doubles, with jitter, to …
  int64_t reconnect_most_us = 60'000'000;
  int64_t hard_stop_margin_us = 100'000;  // reset so long before the kill
  int send_queue_bytes = 16 * 1024;       // unacknowledged octets past which no dot is written
};

// Called from the session's thread; they must not wait.
struct SessionEvents {
  std::function<void(const std::string& id, work::Outcome)> finished;
  // Up or down, in words without personal data; `problem` as in LinkState, "" = nothing is wrong.
  std::function<void(bool up, const std::string& detail, const std::string& problem)> link;
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
  // Those that have not begun are answered REFUSED (RECALLED); the others end as they would have.
  void Recall(std::vector<std::string> ids);
  // Waits up to `grace_us` for answers, takes leave, ends the thread. What is still open then is NO_ANSWER or
  // refused. Idempotent.
  void Stop(int64_t grace_us);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::smtp
