// Metrics of this process, in Prometheus' text form. Labels are methods, codes and other fixed words: never
// ids, never personal data.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace prometheus {
class Registry;
}

namespace pharos::rpc {

// The registry of the process: add families to it once, at start. Thread-safe.
prometheus::Registry& Metrics();

// One RPC: pharos_rpc_total{method,code} and pharos_rpc_seconds{method}.
void CountRpc(std::string_view method, std::string_view code, double seconds);

// Serves the registry over HTTP at /metrics while it lives.
class MetricsServer {
 public:
  // `address` is host:port, on loopback or a private network; port 0 = any. UNAVAILABLE (PORT_IN_USE) names
  // the address.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address);
  virtual ~MetricsServer() = default;
  virtual int port() const = 0;
};

}  // namespace pharos::rpc
