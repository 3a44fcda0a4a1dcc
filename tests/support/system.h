// The real processes on loopback: pharosd, the connectors and pharos-sandbox in a folder of their own under
// /tmp, described by one pharos.toml, started, killed (-9), stopped (SIGSTOP) and restarted by their own ids.
// Whatever runs is ended with the System, also when the test itself is killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/client.h"

namespace pharos::tests {

// Nanoseconds since the epoch: the clock of the sandbox's kernel stamps.
int64_t WallNanos();

// True as soon as `holds` does, looking every few milliseconds; false if it still does not at the deadline.
bool Eventually(const std::function<bool()>& holds, double seconds = 15);

std::string ReadFile(const std::string& path);

// One program. Not thread-safe. It dies with the thread that called Start(): start from the test's main
// thread.
class Process {
 public:
  Process(std::vector<std::string> command, std::string log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Start();
  bool Alive();
  void Kill();    // SIGKILL, and waits for its end
  void Pause();   // SIGSTOP
  void Resume();  // SIGCONT; nothing if it is dead
  // SIGTERM. Exit code, or -1 if it had to be killed or ended by a signal.
  int Stop(double seconds = 15);
  // Waits for it to end by itself; as Stop().
  int Wait(double seconds);
  // All that it printed, over all its lives.
  std::string Log() const { return ReadFile(log_); }
  int kills() const { return kills_; }

 private:
  std::vector<std::string> command_;
  const std::string log_;
  pid_t pid_ = -1;
  int exit_code_ = -1;
  int kills_ = 0;
};

struct SystemOptions {
  int window = 64;       // of the connector: most messages without the provider's answer
  int per_second = 0;    // most messages a second of the SMS connector; 0 = as fast as it can
  int stop_percent = 0;  // of numbers: reply STOP 0-2 s after their first message
  int fail_percent = 0;  // of numbers: cannot be reached
  bool start_connector = true;
  bool mail = false;     // email too: pharos-smtp, and the sandbox's mail server
  bool seal = true;      // personal values are sealed on disk
  std::string edge_url;  // where people reach the edge, for links in emails; it is not started
};

class System {
 public:
  // Starts everything; failures are reported as test failures (look at ok()).
  explicit System(const SystemOptions& options = {});
  ~System();

  bool ok() const { return ok_; }
  Process& pharosd() { return *pharosd_; }
  Process& smpp() { return *smpp_; }
  Process& smtp() { return *smtp_; }  // only with SystemOptions.mail
  Process& sandbox() { return *sandbox_; }
  const std::string& folder() const { return folder_; }
  std::string data() const { return folder_ + "/data"; }
  std::string journal() const { return folder_ + "/journal"; }
  std::string inbox() const {
    return folder_ + "/inbox";
  }  // what people got; only with SystemOptions.edge_url
  std::string config() const { return folder_ + "/pharos.toml"; }
  std::string token_file(const std::string& principal) const { return folder_ + "/" + principal + ".token"; }
  int port() const { return port_; }
  int smsc_port() const { return smsc_port_; }
  int mail_port() const { return mail_port_; }
  int window() const { return options_.window; }
  // Deliberate and hard-stop deaths of pharosd and the connector.
  int kills() const {
    return pharosd_->kills() + smpp_->kills() + (smtp_ ? smtp_->kills() : 0) + hard_stops_;
  }

  // Starts it (again) with the same data; returns once it listens.
  void StartPharosd();
  void KillAndRestartPharosd();
  // Starts the connector if it has died, e.g. by its own hard stop, which then counts as a kill.
  void EnsureConnector();
  int hard_stops() const { return hard_stops_; }
  // When pharosd was last seen to listen.
  int64_t serving_since_ns() const { return serving_since_ns_; }

  // A caller with the one role that it is named after (operator, marketing, approver, governance, analyst,
  // partner, service, connector, sender), "second-operator", or "author", who is both marketing and approver.
  Client As(const std::string& principal) const;
  // A caller without a credential.
  Client Stranger() const;
  // What Prometheus would read.
  std::string Metrics() const;

 private:
  void WriteTokens();
  void WriteConfig();
  void StartSandbox();

  const SystemOptions options_;
  std::string folder_;
  int port_ = 0, metrics_port_ = 0, smsc_port_ = 0, mail_port_ = 0, bounce_port_ = 0;
  std::map<std::string, std::string> tokens_;
  std::unique_ptr<Process> sandbox_, pharosd_, smpp_, smtp_;
  int64_t serving_since_ns_ = 0;
  int hard_stops_ = 0;
  bool ok_ = false;
};

}  // namespace pharos::tests
