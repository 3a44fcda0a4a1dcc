// Mailboxes for trials and tests, on real SMTP: accepts mail, records each message whose final dot arrived
// before it answers, sends delivery status notifications and people's unsubscribe mails by rule.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connectors/sandbox/inbox.h"
#include "connectors/sandbox/rules.h"
#include "connectors/sandbox/script.h"

namespace pharos::sandbox {

struct MailOptions {
  std::string address = "127.0.0.1";
  int port = 0;             // 0 = any
  std::string journal;      // file; "" = none; may be the same as the phone network's
  std::string tls_folder;   // cert.pem and key.pem are made there if missing; "" = no STARTTLS
  std::string bounce_host;  // where DSNs and unsubscribe mails are delivered; "" = nowhere, none are made
  int bounce_port = 0;
  Rules rules;
  std::shared_ptr<Inbox> inbox;  // may be null
  Script script;                 // its rules go before everything else
  bool one_click = false;  // who unsubscribes POSTs to the https URL of List-Unsubscribe if there is one
  bool bad_certificate = false;  // STARTTLS with a certificate for somebody else, long expired
};

struct MailCounts {
  int64_t connections = 0, accepted = 0, refused = 0, over_tls = 0, dsns_sent = 0, dsns_acked = 0,
          unsubscribes_sent = 0, unsubscribes_acked = 0, complaints = 0, auto_replies = 0, one_clicks = 0,
          one_clicks_acked = 0;
};

// Thread-safe; has a thread of its own.
class MailServer {
 public:
  // UNAVAILABLE (PORT_IN_USE), (JOURNAL_UNWRITABLE), (CERTIFICATE_UNWRITABLE).
  static absl::StatusOr<std::unique_ptr<MailServer>> Start(MailOptions options);
  ~MailServer();  // closes the connections, writes the journal out

  int port() const;
  MailCounts counts() const;

  // For tests of what goes wrong. Each returns when it holds.
  void HoldAnswers(bool hold);  // messages are recorded, the answer to the final dot never comes
  void StopReading(bool stop);  // senders' windows fill up
  void CutLinks();              // resets every connection
  // The commands of the control port (README.md). "ok", "ok …" or "error …".
  std::string Steer(const std::string& command);

 private:
  class Impl;
  explicit MailServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::sandbox
