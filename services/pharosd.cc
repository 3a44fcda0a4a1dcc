// pharosd: some or all services in one process. Flags, wiring, start, stop; nothing else.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "services/audience/audience.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/base/text.h"
#include "services/campaign/campaign.h"
#include "services/customer/customer.h"
#include "services/dispatch/dispatch.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/metrics.h"
#include "services/rpc/peers.h"
#include "services/rpc/server.h"

ABSL_FLAG(std::string, services, "all", "all, or some of customer,audience,campaign,dispatch");
ABSL_FLAG(std::string, data, "", "folder for stores and keys; made if missing, readable by this user only");
ABSL_FLAG(std::string, listen, "127.0.0.1:0",
          "host:port for gRPC, loopback or a private network; port 0 = any free one");
ABSL_FLAG(std::string, tokens, "",
          "file of callers: <sha-256 of the token> <principal id> <role>[,<role>] a line");
ABSL_FLAG(std::string, metrics, "", "host:port for Prometheus; empty = off");
ABSL_FLAG(std::string, service_token_file, "",
          "file with the token to use towards services in other processes");
ABSL_FLAG(std::string, customer, "", "host:port of the customer service, if not in this process");
ABSL_FLAG(std::string, audience, "", "host:port of the audience service, if not in this process");
ABSL_FLAG(std::string, campaign, "", "host:port of the campaign service, if not in this process");
ABSL_FLAG(std::string, dispatch, "", "host:port of the dispatch service, if not in this process");
ABSL_FLAG(int64_t, drain_seconds, 10, "how long running calls may take to finish at the end");

namespace pharos {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNames[] = {"customer", "audience", "campaign", "dispatch"};

absl::Status Wrong(std::string_view reason, std::string_view message) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::StatusOr<std::set<std::string>> ChosenServices() {
  const std::vector<std::string> all(std::begin(kNames), std::end(kNames));
  const std::string text = absl::GetFlag(FLAGS_services);
  if (text == "all") return std::set<std::string>(all.begin(), all.end());
  std::set<std::string> chosen;
  for (const std::string& name : base::Split(text, ',')) {
    if (std::find(all.begin(), all.end(), name) == all.end()) {
      return Wrong("SERVICE_UNKNOWN",
                   fmt::format("--services: there is no service \"{}\"; choose from all, {}", name,
                               fmt::join(all, ", ")));
    }
    chosen.insert(name);
  }
  return chosen;
}

absl::Status MakeFolder(const std::string& folder) {
  if (folder.empty()) return Wrong("DATA_MISSING", "Say where the data is: --data=FOLDER");
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error) return Wrong("DATA_WRONG", fmt::format("Cannot make {}: {}", folder, error.message()));
  if (made) fs::permissions(folder, fs::perms::owner_all, error);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadToken(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0)
    return Wrong("SERVICE_TOKEN_WRONG", fmt::format("Cannot read {}", file));
  if ((info.st_mode & 077) != 0)
    return Wrong("SERVICE_TOKEN_WRONG", fmt::format("Others may read {}; run chmod 600 on it", file));
  std::ifstream in(file);
  std::string token;
  if (!(in >> token)) return Wrong("SERVICE_TOKEN_WRONG", fmt::format("{} is empty", file));
  return token;
}

// Written whole or not at all: others wait for it to appear.
absl::Status WritePort(const std::string& folder, int port) {
  const std::string file = folder + "/pharosd.port", fresh = file + ".new";
  std::ofstream(fresh) << port << "\n";
  if (std::rename(fresh.c_str(), file.c_str()) != 0)
    return Wrong("DATA_WRONG", fmt::format("Cannot write {}", file));
  return absl::OkStatus();
}

// Several services that start and stop together.
class Daemon {
 public:
  absl::Status Run() {
    PHAROS_ASSIGN_OR_RETURN(chosen_, ChosenServices());
    folder_ = absl::GetFlag(FLAGS_data);
    PHAROS_RETURN_IF_ERROR(MakeFolder(folder_));
    PHAROS_RETURN_IF_ERROR(LoadCredentials());
    PHAROS_RETURN_IF_ERROR(OpenServices());
    PHAROS_RETURN_IF_ERROR(Listen());
    StartLoops();
    base::Log(base::LogLevel::kInfo, "pharosd.started", {{"port", int64_t{server_->port()}}});
    std::printf("pharosd listens on port %d\n", server_->port());
    std::fflush(stdout);
    WaitForSignal();
    Stop();
    return absl::OkStatus();
  }

 private:
  bool Here(std::string_view name) const { return chosen_.count(std::string(name)) != 0; }

  absl::Status LoadCredentials() {
    credentials_ = std::make_unique<rpc::Credentials>();
    if (const std::string file = absl::GetFlag(FLAGS_tokens); !file.empty()) {
      PHAROS_ASSIGN_OR_RETURN(credentials_, rpc::Credentials::FromFile(file));
    } else {
      base::Log(base::LogLevel::kWarning, "pharosd.no_callers",
                {{"advice", std::string("give --tokens=FILE")}});
    }
    peers_.token = base::ToHex(base::RandomBytes16() + base::RandomBytes16());
    if (const std::string file = absl::GetFlag(FLAGS_service_token_file); !file.empty()) {
      PHAROS_ASSIGN_OR_RETURN(peers_.token, ReadToken(file));
    }
    rpc::Caller self;
    self.principal = "principals/pharosd";
    self.roles = {"service"};
    self.internal = true;
    credentials_->Add(peers_.token, self);
    return absl::OkStatus();
  }

  template <typename Service, typename Options>
  absl::Status Open(std::string_view name, Options options, std::unique_ptr<Service>& service) {
    if (!Here(name)) return absl::OkStatus();
    options.folder = fmt::format("{}/{}", folder_, name);
    PHAROS_ASSIGN_OR_RETURN(service, Service::Open(options));
    return absl::OkStatus();
  }

  absl::Status OpenServices() {
    customer::CustomerOptions customer_options;
    const std::string keys = folder_ + "/keys";
    PHAROS_RETURN_IF_ERROR(MakeFolder(keys));
    customer_options.blind_key_file = keys + "/blind.key";
    PHAROS_RETURN_IF_ERROR(Open("customer", customer_options, customer_));
    PHAROS_RETURN_IF_ERROR(Open("audience", audience::AudienceOptions{}, audience_));
    PHAROS_RETURN_IF_ERROR(Open("campaign", campaign::CampaignOptions{}, campaign_));
    return Open("dispatch", dispatch::DispatchOptions{}, dispatch_);
  }

  // Calls what there is of the four.
  template <typename Do>
  void ForEach(const Do& each) {
    if (customer_) each(*customer_);
    if (audience_) each(*audience_);
    if (campaign_) each(*campaign_);
    if (dispatch_) each(*dispatch_);
  }

  absl::Status Listen() {
    std::vector<std::unique_ptr<rpc::Service>> services;
    ForEach([&](auto& service) {
      for (auto& one : service.Services()) services.push_back(std::move(one));
    });
    rpc::ServerOptions options;
    options.address = absl::GetFlag(FLAGS_listen);
    options.credentials = credentials_.get();
    PHAROS_ASSIGN_OR_RETURN(server_, rpc::StartServer(options, std::move(services)));
    if (const std::string address = absl::GetFlag(FLAGS_metrics); !address.empty()) {
      PHAROS_ASSIGN_OR_RETURN(metrics_, rpc::MetricsServer::Start(address));
    }
    return WritePort(folder_, server_->port());
  }

  // A service here, or the address given, or this process, which answers UNIMPLEMENTED.
  std::shared_ptr<grpc::Channel> Channel(std::string_view name, const std::string& address) {
    return Here(name) || address.empty() ? server_->InProcess() : rpc::Connect(address);
  }

  void StartLoops() {
    peers_.customer = Channel("customer", absl::GetFlag(FLAGS_customer));
    peers_.audience = Channel("audience", absl::GetFlag(FLAGS_audience));
    peers_.campaign = Channel("campaign", absl::GetFlag(FLAGS_campaign));
    peers_.dispatch = Channel("dispatch", absl::GetFlag(FLAGS_dispatch));
    ForEach([&](auto& service) { service.Start(peers_); });
  }

  // SIGTERM and SIGINT are blocked in every thread since main began.
  static void WaitForSignal() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    int signal = 0;
    sigwait(&signals, &signal);
  }

  void Stop() {
    base::Log(base::LogLevel::kInfo, "pharosd.draining");
    server_->Drain(absl::GetFlag(FLAGS_drain_seconds) * 1000);
    ForEach([](auto& service) { service.Stop(); });
    server_.reset();  // nothing calls in process any more
    base::Log(base::LogLevel::kInfo, "pharosd.stopped");
  }

  std::set<std::string> chosen_;
  std::string folder_;
  std::unique_ptr<rpc::Credentials> credentials_;
  std::unique_ptr<customer::Customer> customer_;
  std::unique_ptr<audience::Audience> audience_;
  std::unique_ptr<campaign::Campaign> campaign_;
  std::unique_ptr<dispatch::Dispatch> dispatch_;
  rpc::Peers peers_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::MetricsServer> metrics_;
};

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
  absl::SetProgramUsageMessage("serves Pharos: pharosd --data=FOLDER --tokens=FILE [--listen=HOST:PORT]");
  pharos::UnderscoreFlagNames(argc, argv);
  absl::ParseCommandLine(argc, argv);
  umask(077);
  pharos::BlockSignals();
  const absl::Status status = pharos::Daemon().Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "pharosd: %s\n", std::string(status.message()).c_str());
  return 1;
}
