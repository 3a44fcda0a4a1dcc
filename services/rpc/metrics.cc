#include "services/rpc/metrics.h"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <exception>

#include "services/base/errors.h"

namespace pharos::rpc {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

// Lives as long as the process: threads may count while it ends.
std::shared_ptr<prometheus::Registry>& SharedRegistry() {
  static auto* registry = new std::shared_ptr<prometheus::Registry>(std::make_shared<prometheus::Registry>());
  return *registry;
}

struct RpcFamilies {
  prometheus::Family<prometheus::Counter>& total =
      prometheus::BuildCounter().Name("pharos_rpc_total").Help("RPCs served.").Register(Metrics());
  prometheus::Family<prometheus::Histogram>& seconds = prometheus::BuildHistogram()
                                                           .Name("pharos_rpc_seconds")
                                                           .Help("Time to serve an RPC.")
                                                           .Register(Metrics());
};

class Http final : public MetricsServer {
 public:
  explicit Http(const std::string& address) : exposer_(address, 1) {
    exposer_.RegisterCollectable(SharedRegistry());
  }
  int port() const override {
    const auto ports = exposer_.GetListeningPorts();
    return ports.empty() ? 0 : ports.front();
  }

 private:
  prometheus::Exposer exposer_;
};

}  // namespace

prometheus::Registry& Metrics() {
  return *SharedRegistry();
}

void CountRpc(std::string_view method, std::string_view code, double seconds) {
  static auto* families = new RpcFamilies;
  families->total.Add({{"method", std::string(method)}, {"code", std::string(code)}}).Increment();
  families->seconds.Add({{"method", std::string(method)}}, kSeconds).Observe(seconds);
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address) {
  if (address.find(':') == std::string::npos) {
    return base::MakeError(absl::StatusCode::kInvalidArgument, "ADDRESS_WRONG",
                           fmt::format("\"{}\" is not host:port; give e.g. 127.0.0.1:9464", address));
  }
  try {  // the library throws; nothing of ours does
    return std::make_unique<Http>(address);
  } catch (const std::exception& error) {
    return base::MakeError(
        absl::StatusCode::kUnavailable, "PORT_IN_USE",
        fmt::format("metrics cannot be served on {}: {}; choose another address", address, error.what()),
        {{"address", address}});
  }
}

}  // namespace pharos::rpc
