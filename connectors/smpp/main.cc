// pharos-smpp: takes attempts from dispatch and hands them over to a provider by SMPP 3.4.
#include <fmt/format.h>

#include <csignal>

#include "connectors/sdk/hard_stop.h"
#include "connectors/sdk/settings.h"
#include "connectors/sdk/work_client.h"
#include "connectors/smpp/session.h"
#include "connectors/smpp/settings.h"
#include "services/base/clock.h"
#include "services/base/log.h"
#include "services/rpc/channel.h"

namespace pharos::smpp {
namespace {

constexpr int64_t kDrainUs = 5'000'000;     // on SIGTERM: for answers of the provider
constexpr int64_t kOutcomesUs = 2'000'000;  // then for dispatch to acknowledge the outcomes
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
  heard.finished = [&](std::vector<Finished> all) {
    std::vector<std::pair<std::string, work::Outcome>> outcomes;
    outcomes.reserve(all.size());
    for (auto& one : all) outcomes.emplace_back(std::move(one.id), std::move(one.outcome));
    work->FinishAll(std::move(outcomes));
  };
  heard.receipt = [&](const std::string& key, work::Receipt receipt) {
    return work->AddReceipt(key, std::move(receipt));
  };
  heard.inbound = [&](const std::string& key, work::InboundMessage m) {
    return work->AddInbound(key, std::move(m));
  };
  heard.link = [&](const LinkNews& news) {
    work->SetReady(news.up);
    work->SetLink(news.up, news.detail, news.problem, news.rate);
  };
  Session session(settings.session, std::move(hard_stop), heard);
  sdk::WorkEvents given;
  given.mode = [&](bool live) { session.SetLive(live); };
  given.take = [&](std::vector<sdk::Task> tasks) { session.Submit(std::move(tasks)); };
  given.recall = [&](std::vector<std::string> ids) { session.Recall(std::move(ids)); };
  given.acknowledged = [&](std::vector<uint64_t> sequences) { session.Acknowledged(std::move(sequences)); };
  work = std::make_unique<sdk::WorkClient>(rpc::Connect(settings.dispatch), settings.work, given);
  work->Start();
  session.Start();

  int signal = 0;
  sigwait(&ends, &signal);
  base::Log(base::LogLevel::kInfo, "connector_drains", {{"open", int64_t{work->open()}}});
  work->Drain();
  session.Stop(kDrainUs);
  WaitForOutcomes(*work);
  work->Stop();
  return 0;
}

int Main(int argc, char** argv) {
  auto flags = sdk::ReadSettings(argc, argv, KnownFlags(), "smpp-main");
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
