// A service that uses GOV.UK Notify moves by changing its base URL and key: the official Node.js client
// (notifications-node-client from npm), as it is, against pharos-edge. What it asks is in
// tests/peer/notify_client.js. Made true by services/edge/notify_api.cc, notify_api_form.cc,
// notify_api_token.cc, services/dispatch/message_service.cc, services/customer/recipient_service.cc and
// services/engagement/inbox_service.cc.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "gmock/gmock.h"
#include "pharos/dispatch/internal/v1/inbound_service.pb.h"
#include "tests/support/standing.h"

namespace pharos::tests {
namespace {

constexpr char kService[] = "26785a09-ab16-4eb0-8407-a37497a57506";
constexpr int kTexts = 260;  // a page of them and some more
constexpr char kSecret[] = "3d844edf-8d35-48ac-975b-e847b4f122b0";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The folder that holds the client; "" if there is none.
std::string NodeModules() {
  for (const std::string& folder :
       {Environment("NODE_PATH"), Environment("PHAROS_SOURCE") + "/build/npm/node_modules"}) {
    if (!folder.empty() && std::filesystem::exists(folder + "/notifications-node-client")) return folder;
  }
  return "";
}

void Write(const std::string& file, const std::string& text) {
  std::ofstream(file) << text;
  chmod(file.c_str(), 0600);
}

class NotifyClient : public ::testing::Test {
 protected:
  void SetUp() override {
    if (NodeModules().empty() || std::system("node --version >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "needs node and npm's notifications-node-client: ops/setup test";
    system_ = std::make_unique<System>(SystemOptions{.mail = true});
    ASSERT_TRUE(system_->ok());
    story_ = std::make_unique<Story>(*system_);
    standing_ = std::make_unique<Standing>(*story_);
    // The service's former campaign, and what it sent through it.
    RunStanding(*story_, "booking-old");
    ASSERT_TRUE(Eventually([&] {
      const auto old = standing_->Text("07700900250", "former times", "", "campaigns/booking-old");
      if (old.ok()) old_ = old->name().substr(old->name().find('/') + 1);
      return old.ok();
    }));
    PeopleAnswer();
    StartEdge();
  }
  // To the service's number: one who was written to, and kTexts - 1 who were not. And one to another number.
  void PeopleAnswer() {
    ASSERT_TRUE(standing_->Becomes("messages/" + old_, dispatch::v1::INTENT_DELIVERED, 40));
    const Client ours = system_->As("service");
    for (int i = 0; i <= kTexts; ++i) {
      dispatch::internal::v1::RecordMessagesRequest request;
      request.set_connector("smpp");
      auto* message = request.add_messages();
      message->set_id(fmt::format("mo-{}", i));
      message->set_from(i == 0 ? "447700900250" : "447700900260");
      message->set_to(i == kTexts ? "60999" : "60777");
      message->set_text(i == kTexts ? "not for this service" : fmt::format("text {}", i));
      message->set_received_time_us(WallNanos() / 1000);
      Must(ours.Call<dispatch::internal::v1::RecordMessagesResponse>(
          "dispatch.internal.v1.InboundService/RecordMessages", request));
    }
  }
  void StartEdge() {
    const std::string& folder = system_->folder();
    Write(folder + "/notify.secret", std::string(kSecret) + "\n");
    Write(folder + "/edge.toml", fmt::format(R"(data = "data"
listen = "127.0.0.1:{}"
service_token = "service.token"
[edge]
listen = "127.0.0.1:0"
console = false
[edge.notify_keys."{}"]
secret = "notify.secret"
token = "sender.token"
campaign = ["booking", "booking-old"]
)",
                                             system_->port(), kService));
    edge_ = std::make_unique<Process>(std::vector<std::string>{Environment("PHAROS_BIN") + "/pharos-edge",
                                                               "--config=" + folder + "/edge.toml"},
                                      folder + "/edge.log");
    edge_->Start();
    std::smatch found;
    ASSERT_TRUE(Eventually([&] {
      log_ = edge_->Log();
      return std::regex_search(log_, found, std::regex("listens on port (\\d+)"));
    })) << log_;
    url_ = "http://127.0.0.1:" + found[1].str();
  }
  // What the client's checks printed.
  std::string RunClient(int rate, double seconds) {
    const std::string folder = system_->folder();
    setenv("NODE_PATH", NodeModules().c_str(), 1);
    Process client(
        {"/usr/bin/env", "node", Environment("PHAROS_SOURCE") + "/tests/peer/notify_client.js",
         fmt::format(R"({{"url": "{}", "key": "pharos-{}-{}", "rate": {}, "old": "{}", "texts": {}}})", url_,
                     kService, kSecret, rate, old_, kTexts)},
        folder + "/client.log");
    client.Start();
    EXPECT_EQ(client.Wait(seconds), 0) << client.Log() << edge_->Log();
    return client.Log();
  }

  std::unique_ptr<System> system_;
  std::unique_ptr<Story> story_;
  std::unique_ptr<Standing> standing_;
  std::unique_ptr<Process> edge_;
  std::string url_, log_, old_;
};

TEST_F(NotifyClient, TheOfficialOnePassesUnmodified) {
  const std::string said = RunClient(0, 60);
  EXPECT_THAT(said, ::testing::Not(::testing::HasSubstr("FAILED")));
  EXPECT_THAT(said, ::testing::ContainsRegex("[0-9]+ passed, 0 failed"));
  ExpectItAddsUp(story_->Report("booking"));
}

// Three minutes: with ops/test long.
TEST_F(NotifyClient, ThreeThousandRequestsAMinuteAreHeld) {
  if (Environment("PHAROS_NOTIFY_RATE").empty()) GTEST_SKIP() << "takes minutes: PHAROS_NOTIFY_RATE=1";
  const std::string said = RunClient(3'000, 240);
  fmt::print("{}", said);
  EXPECT_THAT(said, ::testing::ContainsRegex("[0-9]+ passed, 0 failed"));
  ExpectItAddsUp(story_->Report("booking"));
}

}  // namespace
}  // namespace pharos::tests
