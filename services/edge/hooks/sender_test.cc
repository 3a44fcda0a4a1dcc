// Posting over real HTTPS, to a receiver that answers as tests like.
#include "services/edge/hooks/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "services/base/fake_clock.h"
#include "services/base/ids.h"
#include "services/edge/hooks/receiver_test.h"
#include "services/edge/webhook_signature.h"

namespace pharos::edge::hooks {
namespace {

constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const Event kEvent{"msg_1", "people/ann", R"({"type":"person.gone"})"};

class SenderTest : public ::testing::Test {
 protected:
  SenderTest() { std::filesystem::create_directories(folder_); }
  ~SenderTest() override { std::filesystem::remove_all(folder_); }

  Hook HookOf(const std::string& url) const {
    Hook hook;
    hook.name = "leeds";
    hook.url = *ReadReceiverUrl(url);
    hook.keys = {*SigningKey::Read(kSecret)};
    hook.ca_file = pem_;
    hook.allowed = {*ReadNetwork("127.0.0.1/32")};
    return hook;
  }
  std::unique_ptr<Sender> SenderOf(const Hook& hook, const SendLimits& limits = {}) {
    auto sender = Sender::Make(hook, clock_, limits);
    EXPECT_TRUE(sender.ok()) << sender.status();
    return *std::move(sender);
  }
  Answer SendOnce(const Hook& hook, const SendLimits& limits = {}) {
    return SenderOf(hook, limits)->Send(kEvent);
  }

  const std::string folder_ = testing::TempDir() + "sender-" + base::ToHex(base::RandomBytes16());
  const std::string pem_ = folder_ + "/receiver.pem";
  base::FakeClock clock_;
};

TEST_F(SenderTest, PostsAStandardWebhook) {
  Receiver receiver(pem_);
  EXPECT_EQ(SendOnce(HookOf(receiver.url("/in?from=us"))).status, 204);
  const auto got = receiver.All();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].target, "/in?from=us");
  EXPECT_EQ(got[0].id, "msg_1");
  EXPECT_EQ(got[0].content_type, "application/json");
  EXPECT_EQ(got[0].body, kEvent.body);
  const std::vector<std::string> keys = {*ReadWebhookKey(kSecret)};
  const int64_t now_s = clock_.WallMicros() / 1'000'000;
  EXPECT_TRUE(CheckWebhook({got[0].id, got[0].timestamp, got[0].signature}, got[0].body, keys, now_s).ok());
}

TEST_F(SenderTest, KeepsItsConnectionAndMakesAnotherWhenTheReceiverHasEndedIt) {
  Receiver receiver(pem_);
  receiver.OnPost(
      [](const Received&, size_t number) { return Say{.status = 200, .body = 100, .close = number == 2}; });
  const auto sender = SenderOf(HookOf(receiver.url()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sender->Send(kEvent).status, 200) << i;
  EXPECT_EQ(receiver.All().size(), 5u);
  EXPECT_EQ(receiver.connections(), 2);
}

TEST_F(SenderTest, FollowsNoRedirect) {
  Receiver receiver(pem_), other(folder_ + "/other.pem");
  receiver.OnPost([&](const Received&, size_t) {
    return Say{.status = 307, .headers = {{"Location", other.url("/elsewhere")}}};
  });
  EXPECT_EQ(SendOnce(HookOf(receiver.url())).status, 307);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(SenderTest, TellsWhatTheReceiverAsksFor) {
  Receiver receiver(pem_);
  receiver.OnPost([](const Received&, size_t) {
    return Say{.status = 503, .headers = {{"Retry-After", "7"}}};
  });
  const Answer answer = SendOnce(HookOf(receiver.url()));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.retry_after_us, 7'000'000);
}

TEST_F(SenderTest, ALongAnswerIsThrownAwayAndItsStatusStands) {
  Receiver receiver(pem_);
  receiver.OnPost(
      [](const Received&, size_t number) { return Say{.status = 200, .body = number == 0 ? 300'000u : 5u}; });
  const auto sender = SenderOf(HookOf(receiver.url()));
  EXPECT_EQ(sender->Send(kEvent).status, 200);
  EXPECT_EQ(sender->Send(kEvent).status, 200);
  EXPECT_EQ(receiver.connections(), 2);
}

TEST_F(SenderTest, ACutConnectionIsNoAnswer) {
  Receiver receiver(pem_);
  receiver.OnPost([](const Received&, size_t) { return Say{.cut = true}; });
  const Answer answer = SendOnce(HookOf(receiver.url()));
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.problem, kCutOff);
}

TEST_F(SenderTest, ASilentReceiverIsGivenUp) {
  Receiver receiver(pem_);
  receiver.OnPost([](const Received&, size_t) { return Say{.silent = true}; });
  EXPECT_EQ(SendOnce(HookOf(receiver.url()), {.whole_us = 200'000}).problem, kTimedOut);
}

TEST_F(SenderTest, CancelEndsWhatIsUnderWay) {
  Receiver receiver(pem_);
  const auto sender = SenderOf(HookOf(receiver.url()));
  receiver.OnPost([&](const Received&, size_t) {
    sender->Cancel();
    return Say{.silent = true};
  });
  EXPECT_EQ(sender->Send(kEvent).status, 0);
  EXPECT_EQ(sender->Send(kEvent).status, 0);
  EXPECT_EQ(receiver.All().size(), 1u);
}

TEST_F(SenderTest, LooksAtTheAddressThatTheNameHasNow) {
  Receiver receiver(pem_, "DNS:localhost");
  Hook hook = HookOf(receiver.url("/in", "localhost"));
  EXPECT_EQ(SendOnce(hook).status, 204);
  hook.allowed.clear();  // the name is as good as before; where it leads is not
  EXPECT_EQ(SendOnce(hook).problem, kAddressRefused);
  EXPECT_EQ(receiver.connections(), 1);
}

TEST_F(SenderTest, PostsToNoAddressInside) {
  Receiver receiver(pem_);
  Hook hook = HookOf(receiver.url());
  hook.allowed = {*ReadNetwork("127.0.0.2/32"), *ReadNetwork("10.0.0.0/8")};
  EXPECT_EQ(SendOnce(hook).problem, kAddressRefused);
  for (const char* host :
       {"169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "0.0.0.0", "[64:ff9b::7f00:1]"}) {
    Hook other = HookOf("https://" + std::string(host) + ":" + std::to_string(receiver.port()) + "/");
    EXPECT_EQ(SendOnce(other).problem, kAddressRefused) << host;
  }
  EXPECT_EQ(receiver.connections(), 0);
}

TEST_F(SenderTest, InTheClearOnlyToThisMachine) {
  Hook hook = HookOf("http://127.0.0.1:9/");
  hook.ca_file.clear();
  hook.url.host = "10.1.2.3";
  hook.allowed = {*ReadNetwork("10.0.0.0/8")};
  EXPECT_EQ(SendOnce(hook).problem, kAddressRefused);
}

TEST_F(SenderTest, TheCertificateMustBearTheNameAndBeTrusted) {
  Receiver receiver(pem_, "IP:127.0.0.9");
  EXPECT_EQ(SendOnce(HookOf(receiver.url())).problem, kCertificateWrong);
  Receiver other(folder_ + "/other.pem");  // nobody told us of its certificate
  EXPECT_EQ(SendOnce(HookOf(other.url())).problem, kCertificateWrong);
  Hook hook = HookOf(other.url());
  hook.ca_file.clear();  // nor the system
  EXPECT_EQ(SendOnce(hook).problem, kCertificateWrong);
  Receiver named(pem_, "DNS:another.example");
  EXPECT_EQ(SendOnce(HookOf(named.url("/in", "localhost"))).problem, kCertificateWrong);
  Receiver wild(pem_, "DNS:*.example");
  EXPECT_EQ(SendOnce(HookOf(wild.url("/in", "localhost"))).problem, kCertificateWrong);
  for (Receiver* one : {&receiver, &other, &named, &wild}) EXPECT_TRUE(one->All().empty());
}

TEST_F(SenderTest, OlderTlsThanTwelveIsNone) {
  Receiver receiver(pem_, "IP:127.0.0.1", TLS1_1_VERSION);
  EXPECT_EQ(SendOnce(HookOf(receiver.url())).problem, kTlsFailed);
}

TEST_F(SenderTest, SaysWhenNobodyIsThere) {
  std::string url;
  {
    Receiver receiver(pem_);
    url = receiver.url();
  }
  EXPECT_EQ(SendOnce(HookOf(url)).problem, kUnreachable);
}

TEST_F(SenderTest, ACaFileMustHoldACertificate) {
  Hook hook = HookOf("https://crm.example.org/");
  hook.ca_file = folder_ + "/nothing.pem";
  EXPECT_FALSE(Sender::Make(hook, clock_).ok());
}

}  // namespace
}  // namespace pharos::edge::hooks
