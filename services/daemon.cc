#include "services/daemon.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "services/access/access.h"
#include "services/audience/audience.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/base/log.h"
#include "services/campaign/campaign.h"
#include "services/customer/customer.h"
#include "services/dispatch/dispatch.h"
#include "services/engagement/engagement.h"
#include "services/policy/snapshot.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/metrics.h"
#include "services/rpc/peers.h"
#include "services/rpc/server.h"
#include "services/rpc/snapshot_client.h"

namespace pharos {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLeastTokenCharacters = 32;

absl::Status Wrong(std::string_view reason, const std::string& message) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error)
    return Wrong("DATA_WRONG", fmt::format("Cannot make the folder {}: {}; give another with --data=FOLDER.",
                                           folder, error.message()));
  if (made) fs::permissions(folder, fs::perms::owner_all, error);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadToken(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0)
    return Wrong("SERVICE_TOKEN_WRONG",
                 fmt::format("Cannot read {}; service_token in pharos.toml names it.", file));
  if ((info.st_mode & 077) != 0)
    return Wrong("SERVICE_TOKEN_WRONG", fmt::format("Others may read {}; run chmod 600 on it.", file));
  std::ifstream in(file);
  std::string token;
  if ((in >> token) && token.size() < kLeastTokenCharacters)
    return Wrong(
        "SERVICE_TOKEN_WRONG",
        fmt::format("The token in {} is short enough to be guessed; put at least {} random characters in it.",
                    file, kLeastTokenCharacters));
  if (token.empty())
    return Wrong("SERVICE_TOKEN_WRONG", fmt::format("{} is empty; put a long random word in it.", file));
  return token;
}

// Written whole or not at all: others wait for it to appear.
absl::Status WritePort(const std::string& file, int port) {
  const std::string fresh = file + ".new";
  std::ofstream(fresh) << port << "\n";
  if (std::rename(fresh.c_str(), file.c_str()) != 0)
    return Wrong("DATA_WRONG", fmt::format("Cannot write {}.", file));
  return absl::OkStatus();
}

// What pharos.toml says about sending, in dispatch's own terms.
dispatch::DispatchSettings SendingOf(const config::Config& config) {
  constexpr double kMicropoundsOfPenny = 10'000;
  dispatch::DispatchSettings settings;
  for (const auto& [connector, route] : config.routes) {
    dispatch::RouteSettings& to = settings.routes[connector];
    to.priority = static_cast<int>(route.priority);
    to.per_second = route.per_second;
    to.per_sender_second = route.per_sender_second;
    to.per_domain_second = route.per_domain_second;
    to.cost_micropounds = std::llround(route.price_pence * kMicropoundsOfPenny);
    to.failover_after_s = route.failover_after_s;
  }
  settings.caps.person_most = static_cast<int>(config.caps.person_most);
  settings.caps.person_days = static_cast<int>(config.caps.person_days);
  settings.caps.endpoint_most = static_cast<int>(config.caps.endpoint_most);
  settings.caps.endpoint_days = static_cast<int>(config.caps.endpoint_days);
  settings.edge_url = config.edge.url;
  settings.message_days = config.message_days;
  settings.reply_days = config.reply_days;
  return settings;
}

class Parts final : public Daemon {
 public:
  explicit Parts(DaemonOptions options) : options_(std::move(options)), config_(options_.config) {}
  ~Parts() override { Stop(); }

  absl::Status Start() override {
    PHAROS_RETURN_IF_ERROR(MakeFolder(config_.data));
    PHAROS_RETURN_IF_ERROR(MakeFolder(Keys()));
    PHAROS_RETURN_IF_ERROR(PrepareStores());
    PHAROS_RETURN_IF_ERROR(LoadServiceToken());
    PHAROS_RETURN_IF_ERROR(OpenServices());
    PHAROS_RETURN_IF_ERROR(Listen());
    StartLoops();
    return absl::OkStatus();
  }

  int port() const override { return server_->port(); }
  bool halted() const override { return dispatch_ != nullptr && dispatch_->halted(); }

  void Stop() override {
    if (server_ == nullptr) return;
    server_->Drain(options_.drain_ms);
    if (snapshots_) snapshots_->Stop();
    ForEach([](auto& service) { service.Stop(); });
    server_.reset();  // nothing calls in process any more
  }

 private:
  bool Here(std::string_view name) const { return options_.services.count(std::string(name)) != 0; }
  bool All() const { return options_.services.size() == std::size(config::kServices); }
  std::string Keys() const { return config_.data + "/keys"; }

  // One cache and one pool of background threads for all the stores of this process.
  absl::Status PrepareStores() {
    stores_.engine = config_.engine == "postgres" ? storage::Engine::kSql : storage::Engine::kRocksDb;
    stores_.sql = config_.postgres;
    stores_.witness_folder = config_.witness.empty() ? config_.data + "/witness" : config_.witness;
    stores_.resources = storage::MakeResources(static_cast<size_t>(config_.cache_bytes));
    return MakeFolder(stores_.witness_folder);
  }

  absl::Status LoadServiceToken() {
    if (!config_.service_token.empty()) {
      PHAROS_ASSIGN_OR_RETURN(peers_.token, ReadToken(config_.service_token));
    } else if (!All()) {
      return Wrong("SERVICE_TOKEN_WRONG",
                   "Services in processes of their own know each other by a token: name its file with "
                   "service_token in "
                   "pharos.toml (--service-token-file).");
    } else {
      peers_.token = base::ToHex(base::RandomBytes16() + base::RandomBytes16());
    }
    rpc::Caller self;
    self.principal = "principals/pharosd";
    self.roles = {"service"};
    self.internal = true;
    credentials_.Add(peers_.token, self);
    return absl::OkStatus();
  }

  template <typename Service, typename Options>
  absl::Status Open(std::string_view name, Options options, std::unique_ptr<Service>& service) {
    if (!Here(name)) return absl::OkStatus();
    options.folder = fmt::format("{}/{}", config_.data, name);
    options.store = stores_;
    PHAROS_RETURN_IF_ERROR(MakeFolder(options.folder));
    PHAROS_ASSIGN_OR_RETURN(service, Service::Open(options));
    return absl::OkStatus();
  }

  absl::Status OpenServices() {
    access::AccessOptions access;
    access.tokens_file = config_.tokens;
    access.kek_file = Keys() + "/access.kek";
    PHAROS_RETURN_IF_ERROR(Open("access", access, access_));
    if (access_) access_->Attach(snapshot_);
    customer::CustomerOptions customer;
    customer.blind_key_file = Keys() + "/blind.key";
    customer.seal = config_.seal;
    PHAROS_RETURN_IF_ERROR(Open("customer", customer, customer_));
    audience::AudienceOptions audience;
    if (customer_) {
      audience.position_here = [this](const auto& request, auto& response) {
        return customer_->Position(request, response);
      };
    }
    PHAROS_RETURN_IF_ERROR(Open("audience", audience, audience_));
    PHAROS_RETURN_IF_ERROR(Open("campaign", campaign::CampaignOptions{}, campaign_));
    dispatch::DispatchOptions dispatch;
    dispatch.access = &snapshot_;
    dispatch.settings = SendingOf(config_);
    dispatch.seal = config_.seal;
    PHAROS_RETURN_IF_ERROR(Open("dispatch", dispatch, dispatch_));
    return Open("engagement", engagement::EngagementOptions{}, engagement_);
  }

  // Calls what is here of the six.
  template <typename Do>
  void ForEach(const Do& each) {
    if (access_) each(*access_);
    if (customer_) each(*customer_);
    if (audience_) each(*audience_);
    if (campaign_) each(*campaign_);
    if (dispatch_) each(*dispatch_);
    if (engagement_) each(*engagement_);
  }

  std::string ListenAddress() const {
    for (const std::string_view name : config::kServices) {
      if (!All() && Here(name)) return config_.AddressOf(name);
    }
    return config_.listen;
  }

  absl::Status Listen() {
    std::vector<std::unique_ptr<rpc::Service>> services;
    ForEach([&](auto& service) {
      for (auto& one : service.Services()) services.push_back(std::move(one));
    });
    rpc::ServerOptions options;
    options.address = ListenAddress();
    options.credentials = &credentials_;
    PHAROS_ASSIGN_OR_RETURN(server_, rpc::StartServer(options, std::move(services)));
    if (!config_.metrics.empty()) {
      PHAROS_ASSIGN_OR_RETURN(metrics_, rpc::MetricsServer::Start(config_.metrics));
    }
    const std::string which = All() ? "" : fmt::format("-{}", fmt::join(options_.services, "-"));
    return WritePort(fmt::format("{}/pharosd{}.port", config_.data, which), server_->port());
  }

  std::shared_ptr<grpc::Channel> ChannelTo(std::string_view name) {
    return Here(name) ? server_->InProcess() : rpc::Connect(config_.AddressOf(name));
  }

  void StartLoops() {
    peers_.access = ChannelTo("access");
    peers_.customer = ChannelTo("customer");
    peers_.audience = ChannelTo("audience");
    peers_.campaign = ChannelTo("campaign");
    peers_.dispatch = ChannelTo("dispatch");
    peers_.engagement = ChannelTo("engagement");
    if (!access_) {
      snapshots_ = std::make_unique<rpc::SnapshotClient>(peers_.access, peers_.token, snapshot_);
      snapshots_->Start();
    }
    ForEach([&](auto& service) { service.Start(peers_); });
  }

  const DaemonOptions options_;
  const config::Config& config_;
  storage::Settings stores_;
  policy::SnapshotHolder snapshot_;
  rpc::Credentials credentials_{&snapshot_};
  std::unique_ptr<access::Access> access_;
  std::unique_ptr<customer::Customer> customer_;
  std::unique_ptr<audience::Audience> audience_;
  std::unique_ptr<campaign::Campaign> campaign_;
  std::unique_ptr<dispatch::Dispatch> dispatch_;
  std::unique_ptr<engagement::Engagement> engagement_;
  rpc::Peers peers_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<rpc::SnapshotClient> snapshots_;
  std::unique_ptr<rpc::MetricsServer> metrics_;
};

}  // namespace

std::unique_ptr<Daemon> Daemon::Make(DaemonOptions options) {
  return std::make_unique<Parts>(std::move(options));
}

}  // namespace pharos
