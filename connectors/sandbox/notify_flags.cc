#include "connectors/sandbox/notify_flags.h"

#include "services/base/errors.h"

namespace pharos::sandbox {

const char kNotifyHelp[] =
    "  --notify-listen=HOST:PORT   simulates GOV.UK Notify here; port 0 = any; none = not\n"
    "  --notify-port-file=FILE     writes that port there once it listens\n"
    "  --notify-tls-dir=FOLDER     https; cert.pem and key.pem are made there if missing; none = http\n"
    "  --notify-key-file=FILE      the API key to ask for; none = the one that everybody knows (--help ends "
    "with it)\n"
    "  --notify-callback=URL       where delivery receipts go, http://HOST:PORT/PATH; none = they are not "
    "pushed\n"
    "  --notify-callback-token-file=FILE  their bearer token\n"
    "  --notify-callback-retry-ms=300000  between tries\n"
    "  --notify-per-second=50 --notify-burst=1001 --notify-daily=250000   its limits; 0 a second = none\n"
    "  --notify-answer-ms=0        every answer takes so long\n"
    "  --notify-slow-ms=3000       and a slow one so much more\n"
    "  --notify-fault-percent=0    so many percent of recipients meet a fault, once\n\n";

std::vector<std::string> WithNotifyFlags(std::vector<std::string> flags) {
  for (const char* name :
       {"notify-listen", "notify-port-file", "notify-tls-dir", "notify-key-file", "notify-callback",
        "notify-callback-token-file", "notify-callback-retry-ms", "notify-per-second", "notify-burst",
        "notify-daily", "notify-answer-ms", "notify-slow-ms", "notify-fault-percent"})
    flags.emplace_back(name);
  return flags;
}

absl::StatusOr<std::unique_ptr<NotifyServer>> StartNotify(const sdk::Flags& flags, const std::string& journal,
                                                          std::shared_ptr<Inbox> inbox, const Rules& rules) {
  if (flags.Text("notify-listen", "").empty()) return std::unique_ptr<NotifyServer>();
  NotifyOptions options;
  PHAROS_ASSIGN_OR_RETURN(auto listen, sdk::HostPort(flags.Text("notify-listen", "")));
  options.address = listen.first;
  options.port = listen.second;
  options.journal = journal;
  options.inbox = std::move(inbox);
  options.tls_folder = flags.Text("notify-tls-dir", "");
  options.callback_url = flags.Text("notify-callback", "");
  if (flags.Has("notify-callback-token-file")) {
    PHAROS_ASSIGN_OR_RETURN(options.callback_token,
                            sdk::FirstLineOf(flags.Text("notify-callback-token-file", "")));
  }
  if (flags.Has("notify-key-file")) {
    PHAROS_ASSIGN_OR_RETURN(options.api.key, sdk::FirstLineOf(flags.Text("notify-key-file", "")));
  }
  PHAROS_ASSIGN_OR_RETURN(int64_t retry, flags.Number("notify-callback-retry-ms", 300'000, 1, 86'400'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t second, flags.Number("notify-per-second", 50, 0, 1'000'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t burst, flags.Number("notify-burst", 1'001, 1, 1'000'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t daily, flags.Number("notify-daily", 250'000, 0, 1'000'000'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t answer, flags.Number("notify-answer-ms", 0, 0, 600'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t slow, flags.Number("notify-slow-ms", 3'000, 0, 600'000));
  PHAROS_ASSIGN_OR_RETURN(int64_t faults, flags.Number("notify-fault-percent", 0, 0, 100));
  options.callback_retry_us = retry * 1000;
  options.answer_us = answer * 1000;
  options.slow_us = slow * 1000;
  options.api.per_second = static_cast<double>(second);
  options.api.burst = static_cast<double>(burst);
  options.api.daily = daily;
  options.api.fault_percent = static_cast<double>(faults);
  options.api.rules = rules;
  return NotifyServer::Start(std::move(options));
}

}  // namespace pharos::sandbox
