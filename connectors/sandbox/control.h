// The sandbox steered while it runs: a port on loopback, one command a line, one answer a line ("ok", "ok …",
// "error …"). "sms COMMAND" or "mail COMMAND"; without either it is for SMS. README.md lists the commands.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "connectors/sandbox/mail_server.h"
#include "connectors/sandbox/smsc.h"

namespace pharos::sandbox {

// Has a thread of its own. Ends before what it steers.
class Control {
 public:
  // Either may be null. UNAVAILABLE (PORT_IN_USE); INVALID_ARGUMENT (FLAG_WRONG): not a loopback address.
  static absl::StatusOr<std::unique_ptr<Control>> Start(const std::string& address, int port, Smsc* smsc,
                                                        MailServer* mail);
  ~Control();

  int port() const;

 private:
  class Impl;
  explicit Control(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pharos::sandbox
