// pharos-sandbox: an SMS provider and mailboxes for trials, on real SMPP and SMTP.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "connectors/sandbox/control.h"
#include "connectors/sandbox/mail_server.h"
#include "connectors/sandbox/notify_flags.h"
#include "connectors/sandbox/smsc.h"
#include "connectors/sdk/flags.h"
#include "services/base/errors.h"
#include "services/base/log.h"

namespace pharos::sandbox {
namespace {

constexpr char kHelp[] =
    "pharos-sandbox: an SMS provider and mailboxes for trials. Speaks SMPP 3.4 and SMTP; sends nothing to "
    "anybody.\n\n"
    "  --listen=127.0.0.1:2775     where to listen; port 0 = any\n"
    "  --port-file=FILE            writes the port there once it listens\n"
    "  --journal=FILE              appends what happens, one JSON object a line\n"
    "  --password=TEXT             the password to ask of connectors; none = any\n"
    "  --receipt-delay-ms=50       from acceptance to receipt\n"
    "  --reply-stop-percent=0      so many percent of numbers reply STOP, 0-2 s after their first message\n"
    "  --fail-percent=0            so many percent of numbers cannot be reached (receipt UNDELIV)\n"
    "  --throttle-per-second=0     answers ESME_RTHROTTLED above; 0 = never\n"
    "  --seed=1                    which numbers and addresses those are\n"
    "  --mail-listen=HOST:PORT     where to take mail; port 0 = any; none = no mail\n"
    "  --mail-port-file=FILE       writes that port there once it listens\n"
    "  --mail-tls-dir=FOLDER       offers STARTTLS; cert.pem and key.pem are made there if missing\n"
    "  --bounce-to=HOST:PORT       where bounces and unsubscribe mails go; none = they are not made\n"
    "  --mail-bad-certificate      STARTTLS with a certificate for somebody else, long expired\n"
    "  --one-click                 who unsubscribes POSTs to the https URL of List-Unsubscribe, if its host "
    "is "
    "loopback\n"
    "  --script=FILE               behaviours by number, address and account; connectors/sandbox/README.md\n"
    "  --smpp-tls-port=PORT        SMPP under TLS too; 0 = any\n"
    "  --smpp-tls-port-file=FILE   writes that port there once it listens\n"
    "  --smpp-tls-dir=FOLDER       cert.pem and key.pem are made there if missing\n"
    "  --control=HOST:PORT         takes commands there, one a line (\"help\"); loopback only; port 0 = any\n"
    "  --control-port-file=FILE    writes that port there once it listens\n"
    "  --round-us=250              under load, SMS are taken and answered in rounds of so long\n"
    "  --keep-mail=true            false: mails do not go into the inbox\n"
    "  --inbox=FILE                appends what people see, for \"pharos sandbox inbox\"\n\n";

struct Options {
  SmscOptions smsc;
  MailOptions mail;
  bool takes_mail = false;
  std::string control_address;  // "" = none
  int control_port = 0;
};

absl::Status ConfigureMail(const sdk::Flags& flags, Options& options) {
  options.takes_mail = !flags.Text("mail-listen", "").empty();
  MailOptions& mail = options.mail;
  mail.journal = options.smsc.journal;
  mail.rules = options.smsc.rules;
  mail.tls_folder = flags.Text("mail-tls-dir", "");
  mail.script = options.smsc.script;
  mail.one_click = flags.On("one-click");
  mail.bad_certificate = flags.On("mail-bad-certificate");
  if (options.takes_mail) {
    PHAROS_ASSIGN_OR_RETURN(auto listen, sdk::HostPort(flags.Text("mail-listen", "")));
    mail.address = listen.first;
    mail.port = listen.second;
  }
  if (std::string to = flags.Text("bounce-to", ""); !to.empty()) {
    PHAROS_ASSIGN_OR_RETURN(auto bounce, sdk::HostPort(to));
    mail.bounce_host = bounce.first;
    mail.bounce_port = bounce.second;
  }
  if (std::string file = flags.Text("inbox", ""); !file.empty()) {
    PHAROS_ASSIGN_OR_RETURN(options.mail.inbox, Inbox::Open(file));
    options.smsc.inbox = options.mail.inbox;
    if (flags.Has("keep-mail") && !flags.On("keep-mail")) options.mail.inbox = nullptr;
  }
  return absl::OkStatus();
}

absl::Status ConfigureFaults(const sdk::Flags& flags, Options& options) {
  if (std::string file = flags.Text("script", ""); !file.empty()) {
    PHAROS_ASSIGN_OR_RETURN(options.smsc.script, Script::Read(file));
  }
  PHAROS_ASSIGN_OR_RETURN(options.smsc.round_us, flags.Number("round-us", 250, 0, 100'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t tls_port, flags.Number("smpp-tls-port", -1, 0, 65'535));
  options.smsc.tls_port = static_cast<int>(tls_port);
  options.smsc.tls_folder = flags.Text("smpp-tls-dir", "");
  if (tls_port >= 0 && options.smsc.tls_folder.empty())
    return base::MakeError(absl::StatusCode::kInvalidArgument, "FLAG_WRONG",
                           "--smpp-tls-port needs --smpp-tls-dir, the folder for its certificate");
  if (std::string at = flags.Text("control", ""); !at.empty()) {
    PHAROS_ASSIGN_OR_RETURN(auto listen, sdk::HostPort(at));
    options.control_address = listen.first;
    options.control_port = listen.second;
  }
  return absl::OkStatus();
}

absl::StatusOr<Options> Configure(const sdk::Flags& flags) {
  Options all;
  SmscOptions& options = all.smsc;
  PHAROS_ASSIGN_OR_RETURN(auto listen, sdk::HostPort(flags.Text("listen", "127.0.0.1:2775")));
  options.address = listen.first;
  options.port = listen.second;
  options.journal = flags.Text("journal", "");
  options.password = flags.Text("password", "");
  PHAROS_ASSIGN_OR_RETURN(int64_t delay, flags.Number("receipt-delay-ms", 50, 0, 86'400'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t stop, flags.Number("reply-stop-percent", 0, 0, 100));
  PHAROS_ASSIGN_OR_RETURN(int64_t fail, flags.Number("fail-percent", 0, 0, 100));
  PHAROS_ASSIGN_OR_RETURN(int64_t throttle, flags.Number("throttle-per-second", 0, 0, 1'000'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t seed, flags.Number("seed", 1, 0, INT64_MAX));
  options.rules = {static_cast<uint64_t>(seed), delay * 1000, static_cast<double>(stop),
                   static_cast<double>(fail)};
  options.throttle_per_second = static_cast<int>(throttle);
  PHAROS_RETURN_IF_ERROR(ConfigureFaults(flags, all));
  PHAROS_RETURN_IF_ERROR(ConfigureMail(flags, all));
  return all;
}

int Fail(const absl::Status& status) {
  fmt::print(stderr, "pharos-sandbox: {}\n", std::string(status.message()));
  return 2;
}

// Whole or not there: whoever waits for the file may read it at once.
bool WritePort(const std::string& file, int port) {
  std::string part = file + ".part";
  std::ofstream(part) << port << "\n";
  return std::rename(part.c_str(), file.c_str()) == 0;
}

void BlockEnds(sigset_t& ends) {
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
}

bool Announce(const sdk::Flags& flags, const char* event, const char* flag, int port) {
  base::Log(base::LogLevel::kInfo, event, {{"port", int64_t{port}}});
  if (!flags.Has(flag) || WritePort(flags.Text(flag, ""), port)) return true;
  fmt::print(stderr, "pharos-sandbox: cannot write --{}\n", flag);
  return false;
}

int Run(const sdk::Flags& flags, const Options& options) {
  sigset_t ends;
  BlockEnds(ends);
  auto smsc = Smsc::Start(options.smsc);
  if (!smsc.ok()) return Fail(smsc.status());
  std::unique_ptr<MailServer> mail;
  if (options.takes_mail) {
    auto started = MailServer::Start(options.mail);
    if (!started.ok()) return Fail(started.status());
    mail = std::move(*started);
    if (!Announce(flags, "sandbox_takes_mail", "mail-port-file", mail->port())) return 2;
  }
  auto notify = StartNotify(flags, options.smsc.journal, options.smsc.inbox, options.smsc.rules);
  if (!notify.ok()) return Fail(notify.status());
  if (*notify && !Announce(flags, "sandbox_is_notify", "notify-port-file", (*notify)->port())) return 2;
  if ((*smsc)->tls_port() >= 0 &&
      !Announce(flags, "sandbox_listens_tls", "smpp-tls-port-file", (*smsc)->tls_port()))
    return 2;
  std::unique_ptr<Control> control;
  if (!options.control_address.empty()) {
    auto started = Control::Start(options.control_address, options.control_port, smsc->get(), mail.get());
    if (!started.ok()) return Fail(started.status());
    control = std::move(*started);
    if (!Announce(flags, "sandbox_is_steered", "control-port-file", control->port())) return 2;
  }
  if (!Announce(flags, "sandbox_listens", "port-file", (*smsc)->port())) return 2;
  int signal = 0;
  sigwait(&ends, &signal);
  auto counts = (*smsc)->counts();
  auto mails = mail == nullptr ? MailCounts{} : mail->counts();
  control.reset();
  notify->reset();
  mail.reset();
  smsc->reset();
  base::Log(base::LogLevel::kInfo, "sandbox_ends",
            {{"submits", counts.submits},
             {"accepted", counts.accepted},
             {"replies", counts.replies_sent},
             {"mails", mails.accepted},
             {"bounces", mails.dsns_sent},
             {"unsubscribes", mails.unsubscribes_sent}});
  return 0;
}

int Main(int argc, char** argv) {
  auto flags = sdk::Flags::Parse(argc, argv,
                                 WithNotifyFlags({"help",
                                                  "listen",
                                                  "port-file",
                                                  "journal",
                                                  "password",
                                                  "receipt-delay-ms",
                                                  "reply-stop-percent",
                                                  "fail-percent",
                                                  "throttle-per-second",
                                                  "seed",
                                                  "mail-listen",
                                                  "mail-port-file",
                                                  "mail-tls-dir",
                                                  "bounce-to",
                                                  "inbox",
                                                  "mail-bad-certificate",
                                                  "one-click",
                                                  "script",
                                                  "smpp-tls-port",
                                                  "smpp-tls-port-file",
                                                  "smpp-tls-dir",
                                                  "control",
                                                  "control-port-file",
                                                  "round-us",
                                                  "keep-mail"}));
  if (!flags.ok()) return Fail(flags.status());
  if (flags->Has("help")) {
    fmt::print("{}{}{}\n{}\n{}", kHelp, kNotifyHelp, kMagicNumbers, kMagicAddresses, kNotifyMagic);
    return 0;
  }
  auto options = Configure(*flags);
  return options.ok() ? Run(*flags, *options) : Fail(options.status());
}

}  // namespace
}  // namespace pharos::sandbox

int main(int argc, char** argv) {
  return pharos::sandbox::Main(argc, argv);
}
