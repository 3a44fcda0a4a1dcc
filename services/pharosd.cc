// pharosd: some or all services in one process. Flags, start, stop; nothing else.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <set>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/text.h"
#include "services/config/config.h"
#include "services/daemon.h"

ABSL_FLAG(std::string, config, "", "pharos.toml: where everything is; the flags below come before it");
ABSL_FLAG(std::string, services, "all",
          "all, or some of access,customer,audience,campaign,dispatch,engagement");
ABSL_FLAG(std::string, data, "", "folder for stores and keys; made if missing, readable by this user only");
ABSL_FLAG(std::string, listen, "",
          "host:port for gRPC, loopback or a private network; port 0 = any free one");
ABSL_FLAG(std::string, tokens, "",
          "file of callers to begin with: <sha-256 of the token> <principal id> <role>[,<role>] a line");
ABSL_FLAG(std::string, metrics, "", "host:port for Prometheus; empty = off");
ABSL_FLAG(std::string, service_token_file, "", "file with the token between our own processes");
ABSL_FLAG(int64_t, drain_seconds, 10, "how long running calls may take to finish at the end");

namespace pharos {
namespace {

absl::Status Wrong(std::string_view reason, const std::string& message) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::StatusOr<std::set<std::string>> ChosenServices(const std::string& text) {
  const std::vector<std::string> all(std::begin(config::kServices), std::end(config::kServices));
  if (text == "all") return std::set<std::string>(all.begin(), all.end());
  std::set<std::string> chosen;
  for (const std::string& name : base::Split(text, ',')) {
    if (std::find(all.begin(), all.end(), name) == all.end()) {
      const std::string nearest = base::Nearest(name, all);
      return Wrong("SERVICE_UNKNOWN",
                   fmt::format("--services: there is no service \"{}\"; {}", name,
                               nearest.empty() ? fmt::format("choose from all, {}", fmt::join(all, ", "))
                                               : fmt::format("did you mean \"{}\"?", nearest)));
    }
    chosen.insert(name);
  }
  return chosen;
}

void Override(const absl::Flag<std::string>& flag, std::string& setting) {
  if (std::string value = absl::GetFlag(flag); !value.empty()) setting = std::move(value);
}

absl::StatusOr<DaemonOptions> Options() {
  DaemonOptions options;
  const std::string file = absl::GetFlag(FLAGS_config);
  if (!file.empty()) {
    PHAROS_ASSIGN_OR_RETURN(options.config, config::Load(file));
  } else if (absl::GetFlag(FLAGS_data).empty()) {
    return Wrong("DATA_MISSING", "Say where the data is: --data=FOLDER, or --config=pharos.toml");
  } else {
    options.config.listen = "127.0.0.1:0";
  }
  Override(FLAGS_data, options.config.data);
  Override(FLAGS_listen, options.config.listen);
  Override(FLAGS_tokens, options.config.tokens);
  Override(FLAGS_metrics, options.config.metrics);
  Override(FLAGS_service_token_file, options.config.service_token);
  PHAROS_ASSIGN_OR_RETURN(options.services, ChosenServices(absl::GetFlag(FLAGS_services)));
  options.drain_ms = absl::GetFlag(FLAGS_drain_seconds) * 1000;
  return options;
}

// SIGTERM and SIGINT are blocked in every thread since main began. False: a service cannot go on.
bool WaitForSignal(const Daemon& daemon) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  const timespec look{1, 0};
  while (!daemon.halted()) {
    if (sigtimedwait(&signals, nullptr, &look) > 0) return true;
  }
  return false;
}

absl::Status Run() {
  PHAROS_ASSIGN_OR_RETURN(DaemonOptions options, Options());
  const auto daemon = Daemon::Make(std::move(options));
  PHAROS_RETURN_IF_ERROR(daemon->Start());
  base::Log(base::LogLevel::kInfo, "pharosd.started", {{"port", int64_t{daemon->port()}}});
  std::printf("pharosd listens on port %d\n", daemon->port());
  std::fflush(stdout);
  const bool asked = WaitForSignal(*daemon);
  base::Log(base::LogLevel::kInfo, "pharosd.draining");
  daemon->Stop();
  base::Log(base::LogLevel::kInfo, "pharosd.stopped");
  if (asked) return absl::OkStatus();
  return base::MakeError(
      absl::StatusCode::kUnavailable, "DISPATCH_HALTED",
      "Dispatch could not go on, as its store could not be written or read (dispatch.halted in the log says "
      "why). Mend that, then start pharosd again; nothing was sent meanwhile.");
}

// --service-token-file is the same as --service_token_file.
void UnderscoreFlagNames(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] != '-' || argv[i][1] != '-') continue;
    for (char* c = argv[i] + 2; *c != '\0' && *c != '='; ++c) {
      if (*c == '-') *c = '_';
    }
  }
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
      "serves Pharos: pharosd --config=pharos.toml [--services=NAME,…], or pharosd --data=FOLDER "
      "--tokens=FILE");
  pharos::UnderscoreFlagNames(argc, argv);
  absl::ParseCommandLine(argc, argv);
  umask(077);
  pharos::BlockSignals();
  const absl::Status status = pharos::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "pharosd: %s\n", std::string(status.message()).c_str());
  return 1;
}
