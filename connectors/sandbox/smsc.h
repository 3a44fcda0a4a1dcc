// The provider's side of SMPP 3.4 for trials and tests: accepts submissions, sends receipts and people's
// replies by rule, and records every submission whose completing byte arrived, before it answers. Deliveries
// that are not acknowledged are repeated, over reconnects too, as a real SMSC does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connectors/sandbox/inbox.h"
#include "connectors/sandbox/rules.h"
#include "connectors/sandbox/script.h"

namespace pharos::sandbox {

// In this TLV a reply carries the sandbox's own id for it.
inline constexpr uint16_t kReplyIdTlv = 0x1401;

struct SmscOptions {
  std::string address = "127.0.0.1";
  int port = 0;          // 0 = any
  std::string journal;   // file; "" = none
  std::string password;  // "" = any
  Rules rules;
  int throttle_per_second = 0;        // answers ESME_RTHROTTLED above; 0 = never
  int64_t repeat_us = 5'000'000;      // an unanswered delivery is sent again on the same link
  int delivery_window = 256;          // deliveries unanswered on a link
  std::shared_ptr<Inbox> inbox = {};  // what phones show; may be null
  Script script;                      // its rules go before everything else
  int tls_port = -1;                  // a second listener that begins with TLS; 0 = any, -1 = none
  std::string tls_folder;             // cert.pem and key.pem are made there if missing
  int64_t round_us = 250;             // under load, messages are taken and answered in rounds of so long
};

struct SmscCounts {
  int64_t submits = 0, accepted = 0, receipts_sent = 0, receipts_acked = 0, replies_sent = 0,
          replies_acked = 0, binds = 0, cut = 0;
};

// Thread-safe; has a thread of its own.
class Smsc {
 public:
  // UNAVAILABLE (PORT_IN_USE), (JOURNAL_UNWRITABLE), (CERTIFICATE_UNWRITABLE).
  static absl::StatusOr<std::unique_ptr<Smsc>> Start(SmscOptions options);
  ~Smsc();  // closes the links, writes the journal out

  int port() const;
  int tls_port() const;  // -1 = none
  SmscCounts counts() const;

  // For tests of what goes wrong. Each returns when it holds.
  void HoldAnswers(bool hold);  // submissions are recorded, their answers never come
  void StopReading(bool stop);  // the links' windows fill up
  void CutLinks();              // resets every connection
  // The commands of the control port (README.md). "ok", "ok …" or "error …".
  std::string Steer(const std::string& command);

 private:
  class Impl;
  explicit Smsc(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::sandbox
