// Some or all services in one process: opened, served and stopped together. They cannot tell who of them is
// in the process: those that are not are reached at their address.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "services/config/config.h"

namespace pharos {

struct DaemonOptions {
  config::Config config;
  std::set<std::string> services;  // names of config::kServices
  int64_t drain_ms = 10'000;       // how long running calls may take to finish at the end
};

class Daemon {
 public:
  static std::unique_ptr<Daemon> Make(DaemonOptions options);
  virtual ~Daemon() = default;
  // Opens the stores, serves and starts the loops. Not OK: says what to do.
  virtual absl::Status Start() = 0;
  virtual int port() const = 0;
  // A service cannot go on by itself: the process should end, so that whoever supervises it starts it again.
  virtual bool halted() const = 0;
  // Refuses new calls, lets running ones finish, closes the stores.
  virtual void Stop() = 0;
};

}  // namespace pharos
