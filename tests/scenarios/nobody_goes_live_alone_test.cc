// Going live is an act of two people, and until then only sandboxes exist. Made true by
// services/access/act.cc (who confirms is another), services/access/snapshot_board.cc (every process hears of
// it), services/dispatch/work_service.cc (no real route in trial mode), connectors/smpp/session.cc and
// connectors/smtp/conversation.cc (nor a provider that does not say that it is a sandbox).
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "connectors/smpp/pdu.h"
#include "gmock/gmock.h"
#include "pharos/access/v1/act_service.pb.h"
#include "pharos/dispatch/v1/connector_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using access::v1::Act;
using ::testing::HasSubstr;

constexpr int kPeople = 20;
constexpr double kFewSeconds = 8;  // a connector comes back within two, and tells dispatch at once
constexpr char kRefusedByDispatch[] = "does not speak to a sandbox";
constexpr char kRefusedByConnector[] = "does not say that it is a sandbox";

int Count(const std::string& text, std::string_view words) {
  int count = 0;
  for (size_t at = 0; (at = text.find(words, at)) != std::string::npos; at += words.size()) ++count;
  return count;
}

// A provider that takes every message and calls itself by its own name: as a real one does.
class RealProvider {
 public:
  RealProvider() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const auto at = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_, at, size), 0);
    EXPECT_EQ(listen(listener_, 4), 0);
    EXPECT_EQ(getsockname(listener_, at, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~RealProvider() {
    stop_ = true;
    thread_.join();
    close(listener_);
  }

  int port() const { return port_; }
  int binds() const { return binds_; }
  int messages() const { return messages_; }
  bool connected() const { return connected_; }

 private:
  static bool Readable(int fd) {
    pollfd ready{fd, POLLIN, 0};
    return poll(&ready, 1, 50) > 0;
  }
  void Run() {
    while (!stop_) {
      if (!Readable(listener_)) continue;
      const int link = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      connected_ = true;
      Serve(link);
      connected_ = false;
      close(link);
    }
  }
  void Serve(int link) {
    std::string in;
    while (!stop_) {
      if (!Readable(link)) continue;
      char buffer[4096];
      const ssize_t got = read(link, buffer, sizeof buffer);
      if (got <= 0) return;
      in.append(buffer, static_cast<size_t>(got));
      size_t length = 0;
      while (smpp::NextFrame(in, length) == smpp::Framing::kWhole) {
        const std::string out = Answer(smpp::DecodeHeader(in));
        if (write(link, out.data(), out.size()) < 0) return;
        in.erase(0, length);
      }
    }
  }
  std::string Answer(const smpp::Header& asked) {
    smpp::Pdu answer;
    answer.command = smpp::ResponseTo(asked.command);
    answer.sequence = asked.sequence;
    if (asked.command == smpp::kBindTransceiver) {
      answer.system_id = "aggregator";
      ++binds_;
    }
    if (asked.command == smpp::kSubmitSm) answer.message_id = fmt::format("m{}", ++messages_);
    return smpp::Encode(answer);
  }

  int listener_ = -1, port_ = 0;
  std::atomic<bool> stop_ = false, connected_ = false;
  std::atomic<int> binds_ = 0, messages_ = 0;
  std::thread thread_;
};

class NobodyGoesLiveAlone : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf(kPeople));
  }

  absl::StatusOr<Act> Propose(const Client& who, access::v1::ActKind kind) {
    access::v1::ProposeActRequest request;
    request.set_kind(kind);
    request.set_reason("the trial is over");
    return who.Call<Act>("access.v1.ActService/ProposeAct", request);
  }
  absl::StatusOr<Act> Confirm(const Client& who, const Act& act, const std::string& digest) {
    access::v1::ConfirmActRequest request;
    request.set_name(act.name());
    request.set_digest(digest);
    return who.Call<Act>("access.v1.ActService/ConfirmAct", request);
  }
  void TwoPeople(access::v1::ActKind kind) {
    const Act act = Must(Propose(story_.operator_, kind));
    EXPECT_EQ(Must(Confirm(second_, act, act.digest())).state(), access::v1::DONE);
  }
  bool Live() {
    return Must(story_.approver.Call<access::v1::Policy>("access.v1.ActService/GetPolicy",
                                                         access::v1::GetPolicyRequest()))
        .live();
  }

  // As an operator starts it by hand, with words of their own over those of pharos.toml.
  void StartConnector(const std::vector<std::string>& words) {
    const char* bin = std::getenv("PHAROS_BIN");
    std::vector<std::string> command = {fmt::format("{}/pharos-smpp", bin == nullptr ? "bin" : bin),
                                        "--config=" + system_.config(), "--name=smpp-main"};
    command.insert(command.end(), words.begin(), words.end());
    connector_ = std::make_unique<Process>(command, system_.folder() + "/by-hand.log");
    connector_->Start();
  }
  dispatch::v1::Connector Seen() {
    const auto list = Must(story_.operator_.Call<dispatch::v1::ListConnectorsResponse>(
        "dispatch.v1.ConnectorService/ListConnectors", dispatch::v1::ListConnectorsRequest()));
    for (const auto& connector : list.connectors()) {
      if (connector.name() == "connectors/smpp-main") return connector;
    }
    return {};
  }
  // Refused again from now on: so it has tried with whatever is due by now.
  void ExpectRefusedAgain(std::string_view words) {
    const int before = Count(connector_->Log(), words);
    EXPECT_TRUE(Eventually([&] { return Count(connector_->Log(), words) > before; }, kFewSeconds))
        << connector_->Log();
  }
  void ExpectAllPending(const std::string& campaign) {
    EXPECT_TRUE(Eventually([&] { return story_.Report(campaign).intents() == kPeople; }));
    const campaign::v1::Report report = story_.Report(campaign);
    EXPECT_EQ(report.pending(), kPeople) << report.ShortDebugString();
  }

  System system_{{.start_connector = false}};
  Story story_{system_};
  const Client second_ = system_.As("second-operator");
  std::unique_ptr<Process> connector_;
};

TEST_F(NobodyGoesLiveAlone, OneProposesAnotherConfirms) {
  EXPECT_FALSE(Live()) << "an installation begins in trial mode";
  const Act act = Must(Propose(story_.operator_, access::v1::GO_LIVE));
  EXPECT_EQ(act.state(), access::v1::PROPOSED);
  EXPECT_EQ(act.proposer(), "principals/operator");

  const absl::Status alone = Confirm(story_.operator_, act, act.digest()).status();
  EXPECT_EQ(base::ReasonOf(alone), "ACT_NEEDS_SECOND_PERSON");
  EXPECT_THAT(std::string(alone.message()), HasSubstr("second person"));
  EXPECT_EQ(base::ReasonOf(Confirm(system_.As("service"), act, act.digest()).status()), "ACT_NEEDS_PEOPLE");
  for (const char* role : {"marketing", "approver", "analyst", "partner", "connector"}) {
    EXPECT_EQ(base::ReasonOf(Confirm(system_.As(role), act, act.digest()).status()), "PERMISSION_MISSING");
  }
  EXPECT_EQ(base::ReasonOf(Confirm(second_, act, std::string(64, '0')).status()), "DIGEST_MISMATCH");
  EXPECT_FALSE(Live());

  const Act done = Must(Confirm(second_, act, act.digest()));
  EXPECT_EQ(done.state(), access::v1::DONE);
  EXPECT_EQ(done.decider(), "principals/second-operator");
  EXPECT_TRUE(Live());
  EXPECT_EQ(base::ReasonOf(Confirm(second_, act, act.digest()).status()), "ACT_STATE");
  system_.KillAndRestartPharosd();
  EXPECT_TRUE(Live());
}

TEST_F(NobodyGoesLiveAlone, ARealRouteIsRefusedInTrialAndEndsWithIt) {
  story_.Run("quit");
  Must(Propose(story_.operator_, access::v1::GO_LIVE));  // a proposal alone opens nothing
  StartConnector({"--sandbox=false"});
  ASSERT_TRUE(Eventually([&] { return Count(connector_->Log(), kRefusedByDispatch) > 0; }, kFewSeconds))
      << connector_->Log();
  EXPECT_THAT(connector_->Log(), HasSubstr("trial mode"));
  ExpectAllPending("quit");
  ExpectRefusedAgain(kRefusedByDispatch);
  EXPECT_FALSE(Seen().connected());
  EXPECT_EQ(CountSubmissions(system_.journal()), 0);

  TwoPeople(access::v1::GO_LIVE);
  ASSERT_TRUE(story_.Finished("quit"));
  EXPECT_EQ(story_.Report("quit").delivered(), kPeople);
  EXPECT_TRUE(Seen().connected());

  TwoPeople(access::v1::GO_TRIAL);
  EXPECT_TRUE(Eventually([&] { return !Seen().connected(); }, kFewSeconds)) << Seen().ShortDebugString();
  story_.Run("again");
  ExpectAllPending("again");
  ExpectRefusedAgain(kRefusedByDispatch);
  EXPECT_EQ(CountSubmissions(system_.journal()), kPeople);
}

// It was started as a sandbox's connector, by mistake: dispatch has to believe it, the connector looks for
// itself.
TEST_F(NobodyGoesLiveAlone, AProviderThatIsNoSandboxIsRefusedThough) {
  RealProvider provider;
  story_.Run("quit");
  StartConnector({"--sandbox", fmt::format("--port={}", provider.port())});
  ASSERT_TRUE(Eventually([&] { return Count(connector_->Log(), kRefusedByConnector) > 0; }, kFewSeconds))
      << connector_->Log();
  ASSERT_TRUE(Eventually([&] { return Seen().detail().find(kRefusedByConnector) != std::string::npos; }))
      << Seen().ShortDebugString();
  EXPECT_THAT(Seen().detail(), HasSubstr("another confirms it"));
  EXPECT_FALSE(Seen().link_up());
  ExpectAllPending("quit");
  EXPECT_GT(provider.binds(), 0);
  EXPECT_FALSE(provider.connected());
  EXPECT_EQ(provider.messages(), 0);

  TwoPeople(access::v1::GO_LIVE);
  EXPECT_TRUE(Eventually([&] { return provider.messages() == kPeople; })) << provider.messages();
  EXPECT_TRUE(Eventually([&] { return story_.Report("quit").sent() == kPeople; }));
}

TEST_F(NobodyGoesLiveAlone, NorIsItKeptWhenTheTrialComesBack) {
  RealProvider provider;
  TwoPeople(access::v1::GO_LIVE);
  story_.Run("quit");
  StartConnector({"--sandbox", fmt::format("--port={}", provider.port())});
  EXPECT_TRUE(Eventually([&] { return provider.messages() == kPeople; })) << provider.messages();
  EXPECT_TRUE(Eventually([&] { return story_.Report("quit").sent() == kPeople; }));

  TwoPeople(access::v1::GO_TRIAL);
  EXPECT_TRUE(Eventually([&] { return !provider.connected(); }, kFewSeconds))
      << "the link to a real provider is kept in trial mode";
  EXPECT_TRUE(Eventually([&] { return Seen().connected() && !Seen().link_up(); }, kFewSeconds))
      << Seen().ShortDebugString();
  story_.Run("again");
  EXPECT_FALSE(Eventually([&] { return provider.messages() > kPeople; }, 2))
      << provider.messages() - kPeople << " messages went to a real provider in trial mode";
  ExpectAllPending("again");
  connector_->Stop();
  const int binds = provider.binds();
  StartConnector({"--sandbox", fmt::format("--port={}", provider.port())});  // tries at once
  EXPECT_TRUE(Eventually([&] { return provider.binds() > binds && !provider.connected(); }, kFewSeconds));
  EXPECT_EQ(provider.messages(), kPeople);
}

}  // namespace
}  // namespace pharos::tests
