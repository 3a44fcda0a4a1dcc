// pharos-smpp: takes attempts from dispatch and hands them over to a provider by SMPP 3.4.
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>

#include "connectors/sdk/flags.h"
#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/settings.h"
#include "connectors/sdk/work_client.h"
#include "connectors/smpp/session.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/rpc/channel.h"

namespace pharos::smpp {
namespace {

constexpr int64_t kDrainUs = 5'000'000;     // on SIGTERM: for answers of the provider
constexpr int64_t kOutcomesUs = 2'000'000;  // then for dispatch to acknowledge the outcomes
constexpr int kSandboxReplyIdTlv = 0x1401;  // the sandbox names replies in it

constexpr char kHelp[] =
    "pharos-smpp: takes messages from dispatch and hands them over to a provider by SMPP 3.4.\n\n"
    "  --name=smpp-main            name of the connector in pharos.toml\n"
    "  --host=127.0.0.1 --port=2775  the provider\n"
    "  --system-id=TEXT            our account there\n"
    "  --password-file=FILE        its password, on the first line (or PHAROS_SMPP_PASSWORD)\n"
    "  --system-type=TEXT          if the provider asks for one\n"
    "  --window=64                 submissions without an answer, 1-1000\n"
    "  --sandbox                   the provider is a sandbox; in trial mode any other is refused\n"
    "  --source-ton=N --source-npi=N  of our senders; else by their form\n"
    "  --inbound-id-tlv=N          TLV in which this provider names a person's message; 0 = none\n"
    "  --response-timeout-s=30     a submission without an answer for so long is in doubt\n";

struct Settings {
  std::string dispatch;
  sdk::WorkClientOptions work;
  SessionOptions session;
};

absl::StatusOr<std::string> Password(const sdk::Flags& flags) {
  if (flags.Has("password-file")) return sdk::FirstLineOf(flags.Text("password-file", ""));
  const char* password = std::getenv("PHAROS_SMPP_PASSWORD");
  return std::string(password ? password : "");
}

absl::StatusOr<Settings> Configure(const sdk::Flags& flags) {
  Settings s;
  s.dispatch = flags.Text("dispatch", "127.0.0.1:7400");
  PHAROS_RETURN_IF_ERROR(sdk::HostPort(s.dispatch).status());
  s.work.connector = flags.Text("name", "smpp-main");
  s.work.sandbox = flags.On("sandbox");
  if (!flags.Has("token-file"))
    return base::MakeError(absl::StatusCode::kInvalidArgument, "FLAG_WRONG",
                           "--token-file is missing: name the file that holds this connector's token");
  PHAROS_ASSIGN_OR_RETURN(s.work.token, sdk::FirstLineOf(flags.Text("token-file", "")));
  s.session.host = flags.Text("host", "127.0.0.1");
  s.session.system_id = flags.Text("system-id", "pharos");
  s.session.system_type = flags.Text("system-type", "");
  PHAROS_ASSIGN_OR_RETURN(s.session.password, Password(flags));
  PHAROS_ASSIGN_OR_RETURN(int64_t port, flags.Number("port", 2775, 1, 65535));
  PHAROS_ASSIGN_OR_RETURN(int64_t window, flags.Number("window", 64, 1, 1000));
  PHAROS_ASSIGN_OR_RETURN(int64_t ton, flags.Number("source-ton", -1, -1, 6));
  PHAROS_ASSIGN_OR_RETURN(int64_t npi, flags.Number("source-npi", -1, -1, 18));
  PHAROS_ASSIGN_OR_RETURN(int64_t tlv,
                          flags.Number("inbound-id-tlv", s.work.sandbox ? kSandboxReplyIdTlv : 0, 0, 0xFFFF));
  PHAROS_ASSIGN_OR_RETURN(int64_t timeout, flags.Number("response-timeout-s", 30, 1, 3600));
  s.session.live = std::nullopt;  // dispatch says it
  s.session.port = static_cast<int>(port);
  s.session.window = s.work.limits.window = static_cast<int>(window);
  s.session.submit = {static_cast<int>(ton), static_cast<int>(npi)};
  s.session.inbound_id_tlv = static_cast<int>(tlv);
  s.session.response_timeout_us = timeout * 1'000'000;
  return s;
}

int Fail(const absl::Status& status) {
  fmt::print(stderr, "pharos-smpp: {}\n", std::string(status.message()));
  return 2;
}

// Waits for the outcomes to be durable at dispatch; whether they are or not, the process may then end: what
// dispatch does not know stays unconfirmed there.
void WaitForOutcomes(const sdk::WorkClient& work) {
  int64_t until = base::Clock::System().BootMicros() + kOutcomesUs;
  while (work.unacknowledged() > 0 && base::Clock::System().BootMicros() < until) {
    timespec pause{0, 10'000'000};
    nanosleep(&pause, nullptr);
  }
}

int Serve(const Settings& settings, std::unique_ptr<sdk::HardStop> hard_stop, const sigset_t& ends) {
  std::unique_ptr<sdk::WorkClient> work;
  SessionEvents heard;
  heard.finished = [&](const std::string& id, work::Outcome outcome) {
    work->Finish(id, std::move(outcome));
  };
  heard.receipt = [&](const std::string& key, work::Receipt receipt) {
    return work->AddReceipt(key, std::move(receipt));
  };
  heard.inbound = [&](const std::string& key, work::InboundMessage m) {
    return work->AddInbound(key, std::move(m));
  };
  heard.link = [&](bool up, const std::string& detail) {
    work->SetReady(up);
    work->SetLink(up, detail);
  };
  Session session(settings.session, std::move(hard_stop), heard);
  sdk::WorkEvents given;
  given.mode = [&](bool live) { session.SetLive(live); };
  given.take = [&](std::vector<sdk::Task> tasks) { session.Submit(std::move(tasks)); };
  given.acknowledged = [&](std::vector<uint64_t> sequences) { session.Acknowledged(std::move(sequences)); };
  work = std::make_unique<sdk::WorkClient>(rpc::Connect(settings.dispatch), settings.work, given);
  work->Start();
  session.Start();

  int signal = 0;
  sigwait(&ends, &signal);
  base::Log(base::LogLevel::kInfo, "connector_drains", {{"open", int64_t{work->open()}}});
  work->SetReady(false);
  session.Stop(kDrainUs);
  WaitForOutcomes(*work);
  work->Stop();
  return 0;
}

int Main(int argc, char** argv) {
  auto flags =
      sdk::ReadSettings(argc, argv,
                        {"host", "port", "system-id", "password-file", "system-type", "window", "sandbox",
                         "source-ton", "source-npi", "inbound-id-tlv", "response-timeout-s"},
                        "smpp-main");
  if (!flags.ok()) return Fail(flags.status());
  if (flags->Has("help")) {
    fmt::print("{}{}", kHelp, sdk::kSettingsHelp);
    return 0;
  }
  auto settings = Configure(*flags);
  if (!settings.ok()) return Fail(settings.status());
  auto hard_stop = sdk::HardStop::Make();
  if (!hard_stop.ok()) return Fail(hard_stop.status());
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  return Serve(*settings, *std::move(hard_stop), ends);
}

}  // namespace
}  // namespace pharos::smpp

int main(int argc, char** argv) {
  return pharos::smpp::Main(argc, argv);
}
