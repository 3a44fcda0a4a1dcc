// pharos-edge: the HTTP that faces the outside. Settings, start, stop; nothing else.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/config/config.h"
#include "services/edge/errors.h"
#include "services/edge/http_server.h"
#include "services/edge/inbound_client.h"
#include "services/edge/settings.h"
#include "services/rpc/channel.h"
#include "services/rpc/metrics.h"

ABSL_FLAG(std::string, config, "", "pharos.toml: [edge], where dispatch and customer are, and service_token");
ABSL_FLAG(std::string, listen, "", "address:port instead of edge.listen; port 0 = any free one");
ABSL_FLAG(std::string, metrics, "", "host:port for Prometheus; empty = off");

namespace pharos {
namespace {

absl::StatusOr<config::Config> ReadConfig() {
  const std::string file = absl::GetFlag(FLAGS_config);
  if (file.empty()) return edge::errors::SettingWrong("Say where the settings are: --config=pharos.toml");
  PHAROS_ASSIGN_OR_RETURN(config::Config config, config::Load(file));
  if (std::string listen = absl::GetFlag(FLAGS_listen); !listen.empty()) config.edge.listen = listen;
  if (config.edge.listen.empty())
    return edge::errors::SettingWrong(
        fmt::format("{}: say where to listen: edge.listen = \"127.0.0.1:8443\"", file));
  if (config.service_token.empty())
    return edge::errors::SettingWrong(fmt::format(
        "{}: the edge and pharosd know each other by a token: name its file with service_token", file));
  return config;
}

void WaitForSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int signal = 0;
  sigwait(&signals, &signal);
}

absl::Status Run() {
  PHAROS_ASSIGN_OR_RETURN(const config::Config config, ReadConfig());
  PHAROS_ASSIGN_OR_RETURN(const std::string token, edge::ReadSecret("service_token", config.service_token));
  PHAROS_ASSIGN_OR_RETURN(edge::CallbackSecrets secrets, edge::ReadSecrets(config.edge));
  const edge::InboundClient dispatch(rpc::Connect(config.AddressOf("dispatch")),
                                     rpc::Connect(config.AddressOf("customer")), token);
  edge::EdgeHandler handler(dispatch, std::move(secrets), base::Clock::System());
  std::unique_ptr<rpc::MetricsServer> metrics;
  if (!absl::GetFlag(FLAGS_metrics).empty()) {
    PHAROS_ASSIGN_OR_RETURN(metrics, rpc::MetricsServer::Start(absl::GetFlag(FLAGS_metrics)));
  }
  edge::HttpOptions options{config.edge.listen, config.edge.certificate, config.edge.key,
                            config.edge.trusted_proxies};
  PHAROS_ASSIGN_OR_RETURN(const auto server, edge::HttpServer::Start(options, handler));
  base::Log(base::LogLevel::kInfo, "edge.started", {{"port", int64_t{server->port()}}});
  std::printf("pharos-edge listens on port %d\n", server->port());
  std::fflush(stdout);
  WaitForSignal();
  server->Stop();
  base::Log(base::LogLevel::kInfo, "edge.stopped");
  return absl::OkStatus();
}

void BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

}  // namespace
}  // namespace pharos

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "serves unsubscribe links and providers' callbacks: pharos-edge --config=pharos.toml");
  absl::ParseCommandLine(argc, argv);
  umask(077);
  pharos::BlockSignals();
  const absl::Status status = pharos::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "pharos-edge: %s\n", std::string(status.message()).c_str());
  return 1;
}
