// pharos-sandbox: an SMS provider for trials, on real SMPP.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "connectors/sandbox/smsc.h"
#include "connectors/sdk/flags.h"
#include "services/base/errors.h"
#include "services/base/log.h"

namespace pharos::sandbox {
namespace {

constexpr char kHelp[] =
    "pharos-sandbox: an SMS provider for trials. Speaks SMPP 3.4; sends nothing to anybody.\n\n"
    "  --listen=127.0.0.1:2775     where to listen; port 0 = any\n"
    "  --port-file=FILE            writes the port there once it listens\n"
    "  --journal=FILE              appends what happens, one JSON object a line\n"
    "  --password=TEXT             the password to ask of connectors; none = any\n"
    "  --receipt-delay-ms=50       from acceptance to receipt\n"
    "  --reply-stop-percent=0      so many percent of numbers reply STOP, 0-2 s after their first message\n"
    "  --fail-percent=0            so many percent of numbers cannot be reached (receipt UNDELIV)\n"
    "  --throttle-per-second=0     answers ESME_RTHROTTLED above; 0 = never\n"
    "  --seed=1                    which numbers those are\n\n";

absl::StatusOr<SmscOptions> Configure(const sdk::Flags& flags) {
  SmscOptions options;
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
  return options;
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

int Main(int argc, char** argv) {
  auto flags = sdk::Flags::Parse(argc, argv,
                                 {"help", "listen", "port-file", "journal", "password", "receipt-delay-ms",
                                  "reply-stop-percent", "fail-percent", "throttle-per-second", "seed"});
  if (!flags.ok()) return Fail(flags.status());
  if (flags->Has("help")) {
    fmt::print("{}{}", kHelp, kMagicNumbers);
    return 0;
  }
  auto options = Configure(*flags);
  if (!options.ok()) return Fail(options.status());
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  auto smsc = Smsc::Start(*options);
  if (!smsc.ok()) return Fail(smsc.status());
  int port = (*smsc)->port();
  base::Log(base::LogLevel::kInfo, "sandbox_listens", {{"port", int64_t{port}}});
  if (flags->Has("port-file") && !WritePort(flags->Text("port-file", ""), port)) {
    fmt::print(stderr, "pharos-sandbox: cannot write --port-file\n");
    return 2;
  }
  int signal = 0;
  sigwait(&ends, &signal);
  auto counts = (*smsc)->counts();
  smsc->reset();
  base::Log(base::LogLevel::kInfo, "sandbox_ends",
            {{"submits", counts.submits}, {"accepted", counts.accepted}, {"replies", counts.replies_sent}});
  return 0;
}

}  // namespace
}  // namespace pharos::sandbox

int main(int argc, char** argv) {
  return pharos::sandbox::Main(argc, argv);
}
