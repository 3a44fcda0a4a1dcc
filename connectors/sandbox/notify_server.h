// A simulated GOV.UK Notify for trials and tests, on real HTTP and TLS. It records each message that it keeps
// before it answers, says of itself that it is a sandbox (X-Pharos-Sandbox on every answer), and pushes
// delivery receipts.
//
// The journal (journal.h; lines of a kind of its own):
//   {"event":"notify","t_ns":…,"dest":…,"reference":…,"channel":…,"subject":…,"text":…,"id":…,"status":…,"reason":…,
//    "fault":…,"smoke":…}
//        t_ns: the kernel's receive stamp of the completing byte; id: "" if it was not kept; status: of the
//        answer that was meant; reason: of a refusal; fault: "" or what was done instead of answering
//   {"event":"notify_callback"|"notify_callback_acked","t_ns":…,"id":…,"reference":…,"state":…,"n":…}   n-th
//   try
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/sandbox/inbox.h"
#include "connectors/sandbox/notify_api.h"

namespace pharos::sandbox {

struct NotifyOptions {
  std::string address = "127.0.0.1";
  int port = 0;                              // 0 = any
  std::string journal;                       // file; "" = none; may be the same as the others'
  std::string tls_folder;                    // cert.pem and key.pem are made there if missing; "" = http
  std::string callback_url, callback_token;  // "" = none are pushed
  int64_t callback_retry_us = 300'000'000;
  int64_t answer_us = 0;  // every answer takes so long
  int64_t slow_us = 3'000'000;
  bool says_sandbox = true;  // false: for tests of what trial mode refuses
  NotifyApiOptions api;
  std::shared_ptr<Inbox> inbox;  // may be null
};

// Thread-safe; has a thread of its own.
class NotifyServer {
 public:
  // UNAVAILABLE (PORT_IN_USE), (JOURNAL_UNWRITABLE), (CERTIFICATE_UNWRITABLE); INVALID_ARGUMENT (FLAG_WRONG).
  static absl::StatusOr<std::unique_ptr<NotifyServer>> Start(NotifyOptions options);
  ~NotifyServer();

  int port() const;
  NotifyCounts counts() const;
  int64_t connections() const;  // ever accepted
  // Messages kept under this reference; the texts of all, in order.
  int Kept(const std::string& reference) const;
  std::vector<std::string> Texts() const;

  // For tests of what goes wrong. Each returns when it holds.
  void Next(NotifyFault fault);  // of the next message
  void SetKey(const std::string& key);
  void SetDaily(int64_t daily);
  void SetClockSkew(int64_t us);
  void CutLinks();  // resets every connection
  void StopReading(bool stop);

 private:
  class Impl;
  explicit NotifyServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::sandbox
