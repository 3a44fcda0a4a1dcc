// pharos doctor: one thing after the other, and for each failure one cause and one command.
#include "ops/cli/doctor.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "ops/cli/addresses.h"
#include "ops/cli/command.h"
#include "ops/cli/doctor_client.h"
#include "ops/cli/words.h"
#include "pharos/access/v1/principal_service.pb.h"
#include "pharos/campaign/v1/campaign_service.pb.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/dispatch/v1/connector_service.pb.h"
#include "pharos/engagement/v1/engagement_service.pb.h"
#include "services/base/clock.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

constexpr int kCampaignsLookedAt = 100;  // the newest

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// Shows each finding as it is made, and counts.
class Report {
 public:
  explicit Report(Output& out) : out_(out) {}

  void Add(const Finding& finding) {
    problems_ += !finding.ok;
    if (out_.json()) return AddJson(finding);
    out_.Data(fmt::format("{:<8} {:<22} {}", finding.ok ? "ok" : "problem", finding.check, finding.words));
    if (!finding.ok) out_.Data(fmt::format("         {:<22} Do: {}", "", out_.Bold(finding.command)));
  }
  void Add(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) Add(finding);
  }
  int problems() const { return problems_; }

 private:
  void AddJson(const Finding& finding) {
    google::protobuf::Struct object;
    auto& fields = *object.mutable_fields();
    fields["check"].set_string_value(finding.check);
    fields["state"].set_string_value(finding.ok ? "ok" : "problem");
    fields[finding.ok ? "words" : "cause"].set_string_value(finding.words);
    if (!finding.ok) fields["command"].set_string_value(finding.command);
    std::string text;
    if (google::protobuf::util::MessageToJsonString(object, &text).ok()) out_.Data(text);
  }
  Output& out_;
  int problems_ = 0;
};

class Doctor {
 public:
  explicit Doctor(Context& c) : c_(c), report_(c.out) {}

  absl::Status Run() {
    if (!LookAtFiles()) return Result();
    LookAtAddresses();
    LookAtCaller();
    if (Answers("customer")) LookAtIdentity();
    if (Answers("dispatch")) LookAtConnectors();
    if (Answers("campaign")) LookAtCampaigns();
    return Result();
  }

 private:
  // False if nothing more can be known.
  bool LookAtFiles() {
    config_file_ = ConfigFileOf(c_.args);
    if (config_file_.empty() && !c_.args.Has("server") && std::filesystem::exists("pharos.toml"))
      config_file_ = "pharos.toml";
    if (!config_file_.empty()) {
      report_.Add(CheckConfig(config_file_, config_));
      if (!config_) return false;
    }
    folder_ = c_.args.Get("data", config_ ? config_->data : "");
    if (!folder_.empty()) LookAtFolder();
    if (config_ && !config_->tokens.empty()) report_.Add(CheckPrivateFile("tokens file", config_->tokens));
    if (config_ && !config_->service_token.empty())
      report_.Add(CheckPrivateFile("service token", config_->service_token));
    return true;
  }

  void LookAtFolder() {
    report_.Add(CheckDataFolder(folder_, config_file_));
    if (!std::filesystem::is_directory(folder_)) return;
    report_.Add(CheckKeys(folder_));
    report_.Add(CheckDiskOf(folder_));
    report_.Add(CheckClock(folder_, base::Clock::System().WallMicros()));
  }

  void SetClient() {
    ClientOptions options = c_.client.options();
    options.patience_s = 0;
    options.server = c_.args.Get("server", FromEnvironment("PHAROS_SERVER", "127.0.0.1:7443"));
    if (config_ && !c_.args.Has("server")) {
      options.server = config_->listen;
      for (std::string_view service : config::kServices)
        options.addresses[std::string(service)] = config_->AddressOf(service);
    }
    client_ = std::make_unique<Client>(options);
  }

  // One question an address, however many services stand there.
  void LookAtAddresses() {
    SetClient();
    std::vector<std::string> order;
    std::map<std::string, std::vector<std::string>> services;
    for (std::string_view service : config::kServices) {
      const std::string address = client_->AddressOf(std::string(service));
      if (services[address].empty()) order.push_back(address);
      services[address].emplace_back(service);
    }
    for (const std::string& address : order) LookAtAddress(address, services[address]);
    if (!folder_.empty() && (!config_ || config_->engine == "rocksdb"))
      report_.Add(CheckStores(folder_, silent_));
  }

  void LookAtAddress(const std::string& address, const std::vector<std::string>& here) {
    Answer answer = AskHealth(address);
    if (answer == Answer::kNobody && SomebodyAccepts(address)) answer = Answer::kSomethingElse;
    const size_t colon = address.rfind(':');
    const int port = colon == std::string::npos ? 0 : std::atoi(address.c_str() + colon + 1);
    const int64_t listener = answer == Answer::kServing || answer == Answer::kNobody ? 0 : ListenerOf(port);
    const bool all = here.size() == std::size(config::kServices);
    Finding finding = CheckAddress(all ? "all services" : fmt::format("{}", fmt::join(here, ", ")), address,
                                   answer, listener, config_file_);
    if (!finding.ok && answer == Answer::kNobody && !all && !config_file_.empty())
      finding.command += fmt::format(" --services={}", fmt::join(here, ","));
    report_.Add(finding);
    if (!finding.ok) silent_.insert(silent_.end(), here.begin(), here.end());
  }

  bool Answers(std::string_view service) const {
    return known_ && std::find(silent_.begin(), silent_.end(), service) == silent_.end();
  }

  // Who asks, and whether messages reach real people. Without access nobody is known.
  void LookAtCaller() {
    if (std::find(silent_.begin(), silent_.end(), "access") != silent_.end()) return;
    access::v1::WhoAmIResponse me;
    absl::Status status = client_->Call(access::v1::WhoAmIRequest(), &me);
    if (!status.ok()) return report_.Add(CallProblem("access", status));
    known_ = true;
    report_.Add(Fine("you", fmt::format("{}: {}", me.principal(), fmt::join(me.roles(), ", "))));
    report_.Add(
        Fine("mode", me.live() ? "LIVE: messages reach real people" : "trial: only sandboxes are used"));
    if (Answers("customer")) LookAtAccessAway();
  }

  // Another process than access's own has heard of it if it knows us.
  void LookAtAccessAway() {
    customer::v1::ListPurposesRequest request;
    request.set_page_size(1);
    customer::v1::ListPurposesResponse answer;
    absl::Status status = client_->Call(request, &answer);
    if (!status.ok() && !absl::IsPermissionDenied(status)) report_.Add(CallProblem("customer", status));
  }

  void LookAtIdentity() {
    customer::v1::IdentityState state;
    const absl::Status status = client_->Call(customer::v1::GetIdentityStateRequest(), &state);
    if (absl::IsPermissionDenied(status)) return;
    if (!status.ok()) return report_.Add(CallProblem("customer", status));
    const std::string words =
        fmt::format("{} records of {} people, {} pairs for people to look at", Thousands(state.records()),
                    Thousands(state.people()), Thousands(state.reviews()));
    if (!state.outgrown()) return report_.Add(Fine("identity", words));
    report_.Add(Problem(
        "identity",
        fmt::format(
            "{}; the model was trained on {} records: among so many it links strangers who agree by chance",
            words, Thousands(state.model_records())),
        "pharos identity train    # then: pharos identity diff MODEL, pharos identity switch MODEL"));
  }

  Finding CallProblem(const std::string& check, const absl::Status& status) const {
    if (base::ReasonOf(status) == "ACCESS_AWAY")
      return Problem(check, "access is away: nobody is known and no personal value can be read",
                     config_file_.empty()
                         ? "pharosd --services=access"
                         : fmt::format("pharosd --config={} --services=access", config_file_));
    if (absl::IsUnauthenticated(status))
      return Problem(check,
                     client_->options().token_file.empty()
                         ? "you gave no token, so no more can be looked at"
                         : fmt::format("your token is not known: {}", client_->options().token_file),
                     "pharos doctor --token-file FILE");
    if (absl::IsUnimplemented(status))
      return Problem(
          check,
          fmt::format("the process at {} has no service \"{}\", or is of an older version",
                      client_->AddressOf(check), check),
          config_file_.empty() ? "pharosd --services=all" : fmt::format("pharosd --config={}", config_file_));
    return Problem(check, MessageOf(status), "pharos doctor");
  }

  void LookAtConnectors() {
    dispatch::v1::ListConnectorsResponse answer;
    absl::Status status = client_->Call(dispatch::v1::ListConnectorsRequest(), &answer);
    if (absl::IsPermissionDenied(status)) return;
    if (!status.ok()) return report_.Add(CallProblem("connectors", status));
    std::map<std::string, bool> seen;
    for (const auto& connector : answer.connectors()) {
      seen[Short(connector.name())] = true;
      report_.Add(OfConnector(connector));
    }
    if (config_)
      for (const auto& [name, settings] : config_->connectors)
        if (!seen[name]) report_.Add(NeverCame(name, settings));
    if (answer.connectors().empty() && (!config_ || config_->connectors.empty()))
      report_.Add(Problem("connectors", "no connector has called since dispatch started: nothing can be sent",
                          "pharos-smpp --help"));
  }

  Finding OfConnector(const dispatch::v1::Connector& connector) const {
    const std::string name = "connector " + Short(connector.name());
    const std::string program =
        connector.channel() == type::v1::CHANNEL_EMAIL ? "pharos-smtp" : "pharos-smpp";
    if (!connector.connected())
      return Problem(name, "not connected any more: its process is gone, or cannot reach dispatch",
                     fmt::format("pgrep -af {}", program));
    const std::string why =
        connector.problem().empty()
            ? connector.detail()
            : fmt::format("{} ({})", ProblemInWords(connector.problem()), connector.detail());
    if (!connector.link_up())
      return Problem(name, fmt::format("connected, but its provider's link is down: {}", why),
                     fmt::format("pgrep -af {}", connector.sandbox() ? "pharos-sandbox" : program));
    if (connector.lease_breaches() > 0)
      return Problem(name,
                     fmt::format("{} leases were broken: this machine stood still for too long",
                                 connector.lease_breaches()),
                     "uptime");
    if (connector.paused())
      return Problem(name, fmt::format("held back, nothing leaves by it: {}", connector.pause_reason()),
                     fmt::format("pharos connector resume {}", Short(connector.name())));
    if (!connector.problem().empty())
      return Problem(name, fmt::format("link up, but {}", why), "pharos connector list");
    return Fine(name, fmt::format("link up{}, {} in flight", connector.sandbox() ? " (sandbox)" : "",
                                  connector.in_flight()));
  }

  Finding NeverCame(const std::string& name, const std::map<std::string, std::string>& settings) const {
    auto protocol = settings.find("protocol");
    const std::string program =
        "pharos-" + (protocol == settings.end() ? std::string("smpp") : protocol->second);
    return Problem("connector " + name, "in the config, but it has not called since dispatch started",
                   fmt::format("{} --config={} --name={}", program, config_file_, name));
  }

  void LookAtCampaigns() {
    campaign::v1::ListCampaignsRequest request;
    request.set_page_size(kCampaignsLookedAt);
    campaign::v1::ListCampaignsResponse page;
    absl::Status status = client_->Call(request, &page);
    if (absl::IsPermissionDenied(status)) return;
    if (!status.ok()) return report_.Add(CallProblem("campaigns", status));
    int64_t doubtful = 0;
    for (const auto& campaign : page.campaigns()) doubtful += LookAtCampaign(campaign);
    if (doubtful == 0) report_.Add(Fine("unconfirmed", "no message is in doubt"));
    if (!page.campaigns().empty() && Answers("engagement")) LookAtClocks(page.campaigns(0).name());
  }

  int64_t LookAtCampaign(const campaign::v1::Campaign& campaign) {
    if (campaign.launch_time_us() == 0) return 0;
    campaign::v1::GetReportRequest request;
    request.set_name(campaign.name());
    campaign::v1::Report numbers;
    if (!client_->Call(request, &numbers).ok() || numbers.unconfirmed() == 0) return 0;
    report_.Add(
        Problem("unconfirmed",
                fmt::format("{} messages of {} may have been sent; they are never sent again by themselves",
                            Thousands(numbers.unconfirmed()), campaign.name()),
                fmt::format("pharos intent list --campaign {} --state unconfirmed", Short(campaign.name()))));
    return numbers.unconfirmed();
  }

  // Half of the call's time is a fair guess of when the server looked at its clock.
  void LookAtClocks(const std::string& campaign) {
    engagement::v1::GetCountersRequest request;
    request.set_campaign(campaign);
    engagement::v1::Counters counters;
    const int64_t before = base::Clock::System().WallMicros();
    if (!client_->Call(request, &counters).ok() || counters.time_us() == 0) return;
    report_.Add(CheckSkew(counters.time_us(), (before + base::Clock::System().WallMicros()) / 2));
  }

  absl::Status Result() const {
    if (report_.problems() == 0) {
      c_.out.Say("Nothing is wrong that can be seen from here.");
      return absl::OkStatus();
    }
    return base::MakeError(absl::StatusCode::kUnknown, "PROBLEMS_FOUND",
                           fmt::format("{} {}. Begin with the first; the others may follow from it.",
                                       report_.problems(), report_.problems() == 1 ? "problem" : "problems"));
  }

  Context& c_;
  Report report_;
  std::string config_file_, folder_;
  std::optional<config::Config> config_;
  std::unique_ptr<Client> client_;
  std::vector<std::string> silent_;  // services that do not answer
  bool known_ = false;               // access knows who asks
};

}  // namespace

std::vector<Command> DoctorCommands() {
  return {
      {"doctor",
       "",
       "",
       "Look at one thing after the other; one cause and one command for each problem.",
       {"doctor --config pharos.toml --token-file operator.token", "doctor --data /var/lib/pharos --json"},
       {{"data", "FOLDER", "the data folder; else the config's"}},
       [](Context& c) { return Doctor(c).Run(); }}};
}

}  // namespace pharos::cli
