// The small SMTP server of this connector: bounces and unsubscribe mails come to it, each answered 250 only
// when dispatch keeps it. It has a thread of its own, so that nobody's letter delays a hand-over. It speaks
// no TLS: a mail system of the house stands before it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/smtp/guest.h"
#include "connectors/smtp/reply.h"
#include "services/base/clock.h"

namespace pharos::smtp {

struct ListenerOptions {
  std::string host = "127.0.0.1";
  int port = 0;  // 0 = any that is free
  GuestOptions guest;
  // When all places are taken, whoever has brought nothing for longest goes; those that came within
  // least_stay_us stay, and the newcomer is told to come back.
  size_t connections = 64;
  int64_t least_stay_us = 10'000'000;
  int64_t silence_us = 300'000'000;   // without an octet; RFC 5321, 4.5.3.2.7: five minutes
  int64_t total_us = 1'800'000'000;   // of a connection, however busy: a mail system comes again, for less
  int64_t keep_wait_us = 30'000'000;  // for dispatch; then 451
};

// Called from the listener's thread; they must not wait. See SessionEvents of pharos-smpp: the result is a
// sequence that Acknowledged() names later, nullopt if there is no room.
struct ListenerEvents {
  std::function<std::optional<uint64_t>(const std::string& key, work::Receipt)> receipt;
  std::function<std::optional<uint64_t>(const std::string& key, work::InboundMessage)> inbound;
};

// Thread-safe.
class Listener {
 public:
  // UNAVAILABLE (CANNOT_LISTEN).
  static absl::StatusOr<std::unique_ptr<Listener>> Start(ListenerOptions options, ListenerEvents events,
                                                         base::Clock& clock = base::Clock::System());
  ~Listener();
  int port() const;
  void Acknowledged(std::vector<uint64_t> sequences);
  // Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::smtp
