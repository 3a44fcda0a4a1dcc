// pharos-edge: the HTTP that faces the outside. Settings, start, stop; nothing else.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/config/config.h"
#include "services/edge/api/api_site.h"
#include "services/edge/backend_client.h"
#include "services/edge/console/console.h"
#include "services/edge/errors.h"
#include "services/edge/hooks/hooks.h"
#include "services/edge/http_server.h"
#include "services/edge/inbound_client.h"
#include "services/edge/notify_api.h"
#include "services/edge/notify_api_settings.h"
#include "services/edge/public/link_site.h"
#include "services/edge/public/preference_site.h"
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

std::map<std::string, std::shared_ptr<grpc::Channel>> ChannelsOf(const config::Config& config) {
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels;
  for (const std::string_view service : config::kServices)
    channels[std::string(service)] = rpc::Connect(config.AddressOf(service));
  return channels;
}

// What is set, else where ops/setup console puts it beside the build.
std::string AssetsOf(const config::Config& config) {
  if (!config.edge.assets.empty()) return config.edge.assets;
  std::error_code ignored;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return program.parent_path().parent_path().parent_path() / "npm/node_modules/govuk-frontend/dist/govuk";
}

absl::StatusOr<edge::console::TryOutSettings> TryOutOf(const config::Edge& from) {
  edge::console::TryOutSettings settings;
  if (from.try_out.campaign.empty()) return settings;
  PHAROS_ASSIGN_OR_RETURN(settings.token, edge::ReadSecret("edge.try_out.token", from.try_out.token));
  settings.campaign = "campaigns/" + from.try_out.campaign;
  if (!from.try_out.sms.empty()) settings.sms = "templates/" + from.try_out.sms;
  if (!from.try_out.email.empty()) settings.email = "templates/" + from.try_out.email;
  return settings;
}

absl::Status Run() {
  PHAROS_ASSIGN_OR_RETURN(const config::Config config, ReadConfig());
  PHAROS_ASSIGN_OR_RETURN(const std::string token, edge::ReadSecret("service_token", config.service_token));
  PHAROS_ASSIGN_OR_RETURN(edge::CallbackSecrets secrets, edge::ReadSecrets(config.edge));
  const edge::InboundClient dispatch(rpc::Connect(config.AddressOf("dispatch")),
                                     rpc::Connect(config.AddressOf("customer")), token);
  const edge::Backend backend(ChannelsOf(config));
  base::Clock& clock = base::Clock::System();
  edge::Sites sites;
  PHAROS_ASSIGN_OR_RETURN(auto try_out, TryOutOf(config.edge));
  const auto console = edge::console::MakeConsole({AssetsOf(config), std::move(try_out)}, backend, clock);
  if (config.edge.console) sites.console = console.get();
  edge::api::ApiSite api(backend);
  edge::api::ApiDocument document;
  sites.api = &api;
  sites.api_document = &document;
  edge::LinkSite links(dispatch);
  sites.links = &links;
  edge::PreferenceSite preferences(dispatch);
  sites.preferences = &preferences;
  PHAROS_ASSIGN_OR_RETURN(auto notify_keys, edge::ReadNotifyKeys(config.edge));
  edge::NotifyApi notify(backend, std::move(notify_keys), clock);
  if (!config.edge.notify_keys.empty()) sites.notify_api = &notify;
  PHAROS_ASSIGN_OR_RETURN(const auto partners, edge::hooks::ReadHooks(config.edge));
  PHAROS_ASSIGN_OR_RETURN(const auto webhooks,
                          edge::hooks::Hooks::Make(partners, backend, config.data + "/edge/webhooks", clock));
  edge::EdgeHandler handler(dispatch, std::move(secrets), clock, sites);
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
  webhooks->Start();
  WaitForSignal();
  server->Stop();
  webhooks->Stop();
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
  setenv("TZ", "Europe/London", 1);  // times on pages, and those that people type
  tzset();
  pharos::BlockSignals();
  const absl::Status status = pharos::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "pharos-edge: %s\n", std::string(status.message()).c_str());
  return 1;
}
