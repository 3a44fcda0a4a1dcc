// pharos-notify: takes messages from dispatch and hands them over to GOV.UK Notify, which sends them as texts
// or emails.
#include <fmt/format.h>

#include <csignal>

#include "connectors/notify/key.h"
#include "connectors/notify/session.h"
#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/settings.h"
#include "connectors/sdk/work_client.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/rpc/channel.h"

namespace pharos::notify {
namespace {

constexpr int64_t kDrainUs = 5'000'000;     // on SIGTERM: for answers of the provider
constexpr int64_t kOutcomesUs = 2'000'000;  // then for dispatch to acknowledge the outcomes

constexpr char kHelp[] =
    "pharos-notify: takes messages from dispatch and hands them over to GOV.UK Notify, which sends them as "
    "texts or\n"
    "emails. One process serves one channel.\n\n"
    "  --name=notify-main          name of the connector in pharos.toml\n"
    "  --channel=sms               or email; letters: dispatch has no postal endpoints yet\n"
    "  --url=https://api.notifications.service.gov.uk   http:// only for loopback\n"
    "  --api-key-file=FILE         API key, on the first line\n"
    "  --ca-file=FILE              certificates to trust, PEM; else the system's\n"
    "  --sms-template-id=ID        template whose text is ((body)), nothing else\n"
    "  --email-template-id=ID      likewise, and its subject is ((subject))\n"
    "  --sms-sender-id=ID          one of the service's text message senders; else its default\n"
    "  --email-reply-to-id=ID      one of the service's reply-to addresses; else its default\n"
    "  --per-second=50             requests; the provider allows 3,000 a minute for each type of key\n"
    "  --per-minute=3000           likewise\n"
    "  --connections=16            at once, 1-64\n"
    "  --window=32                 messages taken and not yet answered, 1-1000\n"
    "  --response-timeout-s=30     a message without an answer for so long is in doubt\n"
    "  --lag-s=30                  \"not there\" is believed when the provider says it twice: so long after "
    "the\n"
    "                              hard stop, and so long again after that\n"
    "  --poll-after-s=3600         a message that has been silent so long is asked about\n"
    "  --sandbox                   the provider is a sandbox; in trial mode any other is refused\n";

struct Settings {
  std::string dispatch;
  sdk::WorkClientOptions work;
  SessionOptions session;
};

absl::Status Wrong(const char* words) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, "FLAG_WRONG", words);
}

absl::Status ConfigureChannel(const sdk::Flags& flags, Settings& s) {
  SendSettings& send = s.session.send;
  std::string channel = flags.Text("channel", "sms");
  if (channel == "letter")
    return Wrong(
        "--channel=letter: dispatch has no postal endpoints yet, so nothing would ever come to send; use sms "
        "or email");
  if (channel != "sms" && channel != "email") return Wrong("--channel must be sms or email");
  bool sms = channel == "sms";
  send.kind = sms ? MessageKind::kSms : MessageKind::kEmail;
  s.work.channel = sms ? pharos::type::v1::CHANNEL_SMS : pharos::type::v1::CHANNEL_EMAIL;
  send.template_id = flags.Text(sms ? "sms-template-id" : "email-template-id", "");
  send.sms_sender_id = flags.Text("sms-sender-id", "");
  send.email_reply_to = flags.Text("email-reply-to-id", "");
  if (!IsUuid(send.template_id))
    return Wrong(
        sms ? "--sms-template-id is missing or no id: make a template whose text is ((body)) and copy its id"
            : "--email-template-id is missing or no id: make a template whose subject is ((subject)) and "
              "whose text is ((body)) and copy its id");
  if (!send.sms_sender_id.empty() && !IsUuid(send.sms_sender_id))
    return Wrong("--sms-sender-id is no id; copy it whole");
  if (!send.email_reply_to.empty() && !IsUuid(send.email_reply_to))
    return Wrong("--email-reply-to-id is no id; copy it whole");
  return absl::OkStatus();
}

absl::Status ConfigureProvider(const sdk::Flags& flags, SessionOptions& session) {
  PHAROS_ASSIGN_OR_RETURN(session.connection.endpoint,
                          ParseUrl(flags.Text("url", "https://api.notifications.service.gov.uk")));
  if (session.connection.endpoint.tls) {
    PHAROS_ASSIGN_OR_RETURN(session.connection.trust, TlsTrust::Make(flags.Text("ca-file", "")));
  }
  if (!flags.Has("api-key-file"))
    return Wrong("--api-key-file is missing: name the file that holds the API key of GOV.UK Notify");
  PHAROS_ASSIGN_OR_RETURN(std::string key, sdk::FirstLineOf(flags.Text("api-key-file", "")));
  PHAROS_ASSIGN_OR_RETURN(session.key, ParseApiKey(key));
  return absl::OkStatus();
}

absl::Status ConfigureLimits(const sdk::Flags& flags, Settings& s) {
  PHAROS_ASSIGN_OR_RETURN(int64_t second, flags.Number("per-second", 50, 1, 10'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t minute, flags.Number("per-minute", 3'000, 60, 600'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t connections, flags.Number("connections", 16, 1, 64));
  PHAROS_ASSIGN_OR_RETURN(int64_t window, flags.Number("window", 32, 1, 1000));
  PHAROS_ASSIGN_OR_RETURN(int64_t timeout, flags.Number("response-timeout-s", 30, 1, 3600));
  PHAROS_ASSIGN_OR_RETURN(int64_t lag, flags.Number("lag-s", 30, 0, 3600));
  PHAROS_ASSIGN_OR_RETURN(int64_t poll, flags.Number("poll-after-s", 3600, 1, 259'200));
  s.session.per_second = static_cast<double>(second);
  s.session.per_minute = static_cast<double>(minute);
  s.session.connections = static_cast<int>(connections);
  s.session.connection.response_timeout_us = timeout * 1'000'000;
  s.session.questions.lag_us = lag * 1'000'000;
  s.session.questions.poll_after_us = poll * 1'000'000;
  s.work.limits.window = static_cast<int>(window);
  return absl::OkStatus();
}

absl::StatusOr<Settings> Configure(const sdk::Flags& flags) {
  Settings s;
  s.dispatch = flags.Text("dispatch", "127.0.0.1:7400");
  PHAROS_RETURN_IF_ERROR(sdk::HostPort(s.dispatch).status());
  s.work.connector = flags.Text("name", "notify-main");
  s.work.sandbox = flags.On("sandbox");
  s.work.can_look_up = true;
  if (!flags.Has("token-file"))
    return Wrong("--token-file is missing: name the file that holds this connector's token");
  PHAROS_ASSIGN_OR_RETURN(s.work.token, sdk::FirstLineOf(flags.Text("token-file", "")));
  s.session.live = std::nullopt;  // dispatch says it
  PHAROS_RETURN_IF_ERROR(ConfigureChannel(flags, s));
  PHAROS_RETURN_IF_ERROR(ConfigureLimits(flags, s));
  PHAROS_RETURN_IF_ERROR(ConfigureProvider(flags, s.session));
  return s;
}

int Fail(const absl::Status& status) {
  fmt::print(stderr, "pharos-notify: {}\n", std::string(status.message()));
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

SessionEvents EventsOf(std::unique_ptr<sdk::WorkClient>& work) {
  SessionEvents heard;
  heard.finished = [&](const std::string& id, work::Outcome outcome) {
    work->Finish(id, std::move(outcome));
  };
  heard.found = [&](work::Findings findings) { work->Found(std::move(findings)); };
  heard.receipt = [&](const std::string& key, work::Receipt receipt) {
    return work->AddReceipt(key, std::move(receipt));
  };
  heard.link = [&](const LinkWords& words) {
    work->SetReady(words.ready);
    work->SetLink(words.up, words.detail, words.problem, words.rate);
  };
  return heard;
}

int Serve(const Settings& settings, std::unique_ptr<sdk::HardStop> hard_stop, const sigset_t& ends) {
  std::unique_ptr<sdk::WorkClient> work;
  Session session(settings.session, std::move(hard_stop), EventsOf(work));
  sdk::WorkEvents given;
  given.mode = [&](bool live) { session.SetLive(live); };
  given.take = [&](std::vector<sdk::Task> tasks) { session.Submit(std::move(tasks)); };
  given.acknowledged = [](std::vector<uint64_t>) {};  // what is asked for comes again by itself
  given.recall = [&](std::vector<std::string> ids) { session.Recall(std::move(ids)); };
  given.look_up = [&](std::vector<std::string> ids) { session.LookUp(std::move(ids)); };
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
                        {"channel", "url", "api-key-file", "ca-file", "sms-template-id", "email-template-id",
                         "sms-sender-id", "email-reply-to-id", "per-second", "per-minute", "connections",
                         "window", "response-timeout-s", "lag-s", "poll-after-s", "sandbox"},
                        "notify-main");
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
}  // namespace pharos::notify

int main(int argc, char** argv) {
  return pharos::notify::Main(argc, argv);
}
