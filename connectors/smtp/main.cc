// pharos-smtp: takes emails from dispatch and hands them over to a provider by SMTP; takes bounces and
// unsubscribe mails back.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/settings.h"
#include "connectors/sdk/work_client.h"
#include "connectors/smtp/address_token.h"
#include "connectors/smtp/listener.h"
#include "connectors/smtp/mime.h"
#include "connectors/smtp/session.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/text.h"
#include "services/rpc/channel.h"

namespace pharos::smtp {
namespace {

constexpr int64_t kDrainUs = 5'000'000;     // on SIGTERM: for answers of the provider
constexpr int64_t kOutcomesUs = 2'000'000;  // then for dispatch to acknowledge the outcomes

constexpr char kHelp[] =
    "pharos-smtp: takes emails from dispatch and hands them over to a provider by SMTP; takes bounces and\n"
    "unsubscribe mails back.\n\n"
    "  --name=smtp-main            name of the connector in pharos.toml\n"
    "  --host=127.0.0.1 --port=25  the provider (a relay, or a submission server)\n"
    "  --tls=required              STARTTLS with a certificate that is trusted and bears the host's name; "
    "or\n"
    "                              opportunistic (if offered, unchecked), or off (loopback only); verify and "
    "none are\n"
    "                              other words for required and off\n"
    "  --implicit-tls              TLS from the first octet (port 465), instead of STARTTLS\n"
    "  --ca-file=FILE              certificates to trust, PEM; else the system's\n"
    "  --user=TEXT                 our account there; needs --tls=required\n"
    "  --password-file=FILE        its password, on the first line (or PHAROS_SMTP_PASSWORD)\n"
    "  --auth-token-file=FILE      an OAuth 2 access token instead: AUTH XOAUTH2\n"
    "  --dkim-domain=DOMAIN        sign for it (d=); the From domain, or one above it\n"
    "  --dkim-key-file=FILE --dkim-selector=NAME                  RSA key, PEM, 2048 bits or more\n"
    "  --dkim-ed25519-key-file=FILE --dkim-ed25519-selector=NAME  Ed25519 key, PEM\n"
    "  --dkim-algorithms=rsa,ed25519  which of them; else all that have a key. RSA takes ten times as long\n"
    "  --workers=N                 threads that write and sign messages, 1-16; else one fewer than there are "
    "cores\n"
    "  --feedback-id=NAME          last part of Feedback-ID, 5-15 letters\n"
    "  --ehlo=NAME                 our name; else this host's\n"
    "  --connections=16            at once, 1-256\n"
    "  --window=512                messages taken and not yet answered, 1-4096\n"
    "  --response-timeout-s=600    a message without an answer after its final dot for so long is in doubt\n"
    "  --bounce-domain=DOMAIN      its mail comes to --listen: return paths and unsubscribe addresses are "
    "made in it\n"
    "  --token-key-file=FILE       key of those addresses, made if missing; connectors of one route share "
    "it\n"
    "  --listen=HOST:PORT          take bounces and unsubscribe mails here; 0 = any port\n"
    "  --complaints=fbl            local part in --bounce-domain that complaints (ARF) come to\n"
    "  --port-file=FILE            write the port of --listen into it\n"
    "  --sandbox                   the provider is a sandbox; in trial mode any other is refused\n";

struct Settings {
  std::string dispatch;
  sdk::WorkClientOptions work;
  SessionOptions session;
  std::optional<ListenerOptions> listener;
  std::string port_file;
};

absl::Status Wrong(const char* words) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "FLAG_WRONG", words);
}

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

absl::StatusOr<TlsMode> TlsModeOf(const std::string& text) {
  if (text == "required" || text == "require" || text == "verify") return TlsMode::kRequired;
  if (text == "opportunistic") return TlsMode::kOpportunistic;
  if (text == "off" || text == "none") return TlsMode::kOff;
  return Wrong("--tls must be required, opportunistic or off");
}

// Which algorithms to sign with: those asked for, else those that have a key.
absl::StatusOr<std::vector<DkimKeyFile>> DkimKeys(const sdk::Flags& flags) {
  const std::string domain = flags.Text("dkim-domain", "");
  const std::string asked = flags.Text("dkim-algorithms", "");
  struct Kind {
    const char *word, *file, *selector;
    DkimAlgorithm algorithm;
  };
  std::vector<DkimKeyFile> keys;
  for (const std::string& word : base::Split(asked, ','))
    if (!word.empty() && word != "rsa" && word != "ed25519")
      return Wrong("--dkim-algorithms must be rsa, ed25519 or both with a comma");
  for (const Kind& kind :
       {Kind{"rsa", "dkim-key-file", "dkim-selector", DkimAlgorithm::kRsa},
        Kind{"ed25519", "dkim-ed25519-key-file", "dkim-ed25519-selector", DkimAlgorithm::kEd25519}}) {
    const auto words = base::Split(asked, ',');
    const bool wanted = asked.empty() ? flags.Has(kind.file)
                                      : std::find(words.begin(), words.end(), kind.word) != words.end();
    if (!wanted) continue;
    if (!flags.Has(kind.file) || !flags.Has(kind.selector) || domain.empty())
      return Wrong("a DKIM key needs --dkim-domain, its file and its selector; see --help");
    keys.push_back({kind.algorithm, domain, flags.Text(kind.selector, ""), flags.Text(kind.file, "")});
  }
  return keys;
}

absl::Status ConfigureSigning(const sdk::Flags& flags, SessionOptions& session) {
  PHAROS_ASSIGN_OR_RETURN(auto keys, DkimKeys(flags));
  if (!keys.empty()) {
    PHAROS_ASSIGN_OR_RETURN(session.signer, DkimSigner::Make(keys));
  }
  const int64_t spare =
      std::clamp<int64_t>(static_cast<int64_t>(std::thread::hardware_concurrency()) - 1, 1, 8);
  PHAROS_ASSIGN_OR_RETURN(int64_t workers, flags.Number("workers", spare, 1, 16));
  session.workers = static_cast<int>(workers);
  session.feedback_id = flags.Text("feedback-id", "");
  return absl::OkStatus();
}

absl::Status ConfigureTls(const sdk::Flags& flags, SessionOptions& session) {
  PHAROS_ASSIGN_OR_RETURN(session.tls, TlsModeOf(flags.Text("tls", "required")));
  if (session.tls != TlsMode::kOff) {
    PHAROS_ASSIGN_OR_RETURN(session.trust, TlsTrust::Make(flags.Text("ca-file", "")));
  }
  session.implicit_tls = flags.On("implicit-tls");
  if (session.implicit_tls && session.tls == TlsMode::kOff)
    return Wrong("--implicit-tls and --tls=off contradict each other");
  session.user = flags.Text("user", "");
  if (session.user.empty()) return absl::OkStatus();
  if (session.tls != TlsMode::kRequired)
    return Wrong("--user needs --tls=required: a password goes to nobody unchecked");
  const char* password = std::getenv("PHAROS_SMTP_PASSWORD");
  session.password = password ? password : "";
  if (flags.Has("auth-token-file")) {
    session.password_is_token = true;
    PHAROS_ASSIGN_OR_RETURN(session.password, sdk::FirstLineOf(flags.Text("auth-token-file", "")));
    return absl::OkStatus();
  }
  if (!flags.Has("password-file")) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(session.password, sdk::FirstLineOf(flags.Text("password-file", "")));
  return absl::OkStatus();
}

absl::Status ConfigureAddresses(const sdk::Flags& flags, Settings& s) {
  s.session.bounce_domain = flags.Text("bounce-domain", "");
  if (!IsAddress("b@" + s.session.bounce_domain) || !IsAscii(s.session.bounce_domain))
    return Wrong(
        "--bounce-domain is missing or no domain: name the one whose mail comes to --listen, e.g. "
        "bounce.example.org");
  if (!flags.Has("token-key-file"))
    return Wrong(
        "--token-key-file is missing: name the file that holds the key of this route's addresses; it is made "
        "if "
        "it is not there");
  PHAROS_ASSIGN_OR_RETURN(s.session.token_key, LoadOrMakeTokenKey(flags.Text("token-key-file", "")));
  if (!flags.Has("listen")) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(auto listen, sdk::HostPort(flags.Text("listen", "")));
  ListenerOptions& listener = s.listener.emplace();
  listener.host = listen.first;
  listener.port = listen.second;
  listener.guest = {s.session.bounce_domain, s.session.token_key,
                    base::LowerAscii(flags.Text("complaints", "fbl"))};
  s.port_file = flags.Text("port-file", "");
  return absl::OkStatus();
}

absl::StatusOr<Settings> Configure(const sdk::Flags& flags) {
  Settings s;
  s.dispatch = flags.Text("dispatch", "127.0.0.1:7400");
  PHAROS_RETURN_IF_ERROR(sdk::HostPort(s.dispatch).status());
  s.work.connector = flags.Text("name", "smtp-main");
  s.work.channel = pharos::type::v1::CHANNEL_EMAIL;
  s.work.sandbox = flags.On("sandbox");
  if (!flags.Has("token-file"))
    return Wrong("--token-file is missing: name the file that holds this connector's token");
  PHAROS_ASSIGN_OR_RETURN(s.work.token, sdk::FirstLineOf(flags.Text("token-file", "")));
  s.session.host = flags.Text("host", "127.0.0.1");
  s.session.ehlo = flags.Text("ehlo", HostName());
  PHAROS_ASSIGN_OR_RETURN(int64_t port, flags.Number("port", 25, 1, 65535));
  PHAROS_ASSIGN_OR_RETURN(int64_t window, flags.Number("window", 512, 1, 4096));
  PHAROS_ASSIGN_OR_RETURN(int64_t connections, flags.Number("connections", 16, 1, 256));
  PHAROS_ASSIGN_OR_RETURN(int64_t timeout, flags.Number("response-timeout-s", 600, 1, 3600));
  s.session.live = std::nullopt;  // dispatch says it
  s.session.port = static_cast<int>(port);
  s.session.connections = static_cast<int>(connections);
  s.session.final_timeout_us = timeout * 1'000'000;
  s.work.limits.window = static_cast<int>(window);
  PHAROS_RETURN_IF_ERROR(ConfigureTls(flags, s.session));
  PHAROS_RETURN_IF_ERROR(ConfigureSigning(flags, s.session));
  PHAROS_RETURN_IF_ERROR(ConfigureAddresses(flags, s));
  return s;
}

int Fail(const absl::Status& status) {
  fmt::print(stderr, "pharos-smtp: {}\n", std::string(status.message()));
  return 2;
}

// Whole under another name, then renamed: who waits for the file never reads half of it.
absl::Status WritePort(const std::string& file, int port) {
  if (file.empty()) return absl::OkStatus();
  std::error_code error;
  std::ofstream(file + ".new") << port << "\n";
  std::filesystem::rename(file + ".new", file, error);
  return error ? Wrong("--port-file cannot be written; name a folder that this connector may write to")
               : absl::OkStatus();
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

SessionEvents EventsOf(std::unique_ptr<sdk::WorkClient>& work) {
  SessionEvents heard;
  heard.finished = [&](const std::string& id, work::Outcome outcome) {
    work->Finish(id, std::move(outcome));
  };
  heard.link = [&](bool up, const std::string& detail, const std::string& problem) {
    work->SetReady(up);
    work->SetLink(up, detail, problem);
  };
  return heard;
}

absl::StatusOr<std::unique_ptr<Listener>> Listen(const Settings& settings,
                                                 std::unique_ptr<sdk::WorkClient>& work) {
  if (!settings.listener) return std::unique_ptr<Listener>();
  ListenerEvents events;
  events.receipt = [&](const std::string& key, work::Receipt receipt) {
    return work->AddReceipt(key, std::move(receipt));
  };
  events.inbound = [&](const std::string& key, work::InboundMessage message) {
    return work->AddInbound(key, std::move(message));
  };
  PHAROS_ASSIGN_OR_RETURN(auto listener, Listener::Start(*settings.listener, std::move(events)));
  PHAROS_RETURN_IF_ERROR(WritePort(settings.port_file, listener->port()));
  base::Log(base::LogLevel::kInfo, "mail_listener", {{"port", int64_t{listener->port()}}});
  return listener;
}

int Serve(const Settings& settings, std::unique_ptr<sdk::HardStop> hard_stop, const sigset_t& ends) {
  std::unique_ptr<sdk::WorkClient> work;
  std::unique_ptr<Listener> listener;  // set before the stream that its acknowledgements come by begins
  Session session(settings.session, std::move(hard_stop), EventsOf(work));
  sdk::WorkEvents given;
  given.mode = [&](bool live) { session.SetLive(live); };
  given.recall = [&session](std::vector<std::string> ids) { session.Recall(std::move(ids)); };
  given.take = [&](std::vector<sdk::Task> tasks) { session.Submit(std::move(tasks)); };
  given.acknowledged = [&](std::vector<uint64_t> sequences) {
    if (listener) listener->Acknowledged(std::move(sequences));
  };
  work = std::make_unique<sdk::WorkClient>(rpc::Connect(settings.dispatch), settings.work, given);
  auto listening = Listen(settings, work);
  if (!listening.ok()) return Fail(listening.status());
  listener = *std::move(listening);
  work->Start();
  session.Start();

  int signal = 0;
  sigwait(&ends, &signal);
  base::Log(base::LogLevel::kInfo, "connector_drains", {{"open", int64_t{work->open()}}});
  work->SetReady(false);
  session.Stop(kDrainUs);
  if (listener) listener->Stop();
  WaitForOutcomes(*work);
  work->Stop();
  return 0;
}

int Main(int argc, char** argv) {
  auto flags = sdk::ReadSettings(argc, argv,
                                 {"host",
                                  "port",
                                  "tls",
                                  "ca-file",
                                  "user",
                                  "password-file",
                                  "ehlo",
                                  "connections",
                                  "window",
                                  "response-timeout-s",
                                  "implicit-tls",
                                  "auth-token-file",
                                  "dkim-domain",
                                  "dkim-key-file",
                                  "dkim-selector",
                                  "dkim-ed25519-key-file",
                                  "dkim-ed25519-selector",
                                  "dkim-algorithms",
                                  "workers",
                                  "feedback-id",
                                  "complaints",
                                  "bounce-domain",
                                  "token-key-file",
                                  "listen",
                                  "port-file",
                                  "sandbox"},
                                 "smtp-main");
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
}  // namespace pharos::smtp

int main(int argc, char** argv) {
  return pharos::smtp::Main(argc, argv);
}
