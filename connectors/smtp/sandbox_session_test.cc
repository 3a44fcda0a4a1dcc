// The session and the listener against the sandbox's mailboxes: what a trial looks like.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "connectors/sandbox/mail_server.h"
#include "connectors/smtp/listener.h"
#include "connectors/smtp/session.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"

namespace pharos::smtp {
namespace {

constexpr int64_t kPatienceUs = 20'000'000;

class SandboxTest : public testing::Test {
 protected:
  static int64_t Now() { return base::Clock::System().BootMicros(); }
  SandboxTest() : folder_(testing::TempDir() + "/sandbox-" + base::ToHex(base::RandomBytes16())) {
    std::filesystem::create_directories(folder_);
    StartListener();
    sandbox::MailOptions mail;
    mail.tls_folder = folder_;
    mail.bounce_host = "127.0.0.1";
    mail.bounce_port = listener_->port();
    auto server = sandbox::MailServer::Start(mail);
    EXPECT_TRUE(server.ok()) << server.status();
    if (!server.ok()) return;
    server_ = *std::move(server);
    StartSession();
  }
  ~SandboxTest() override {
    session_.reset();
    server_.reset();
    listener_.reset();
    std::filesystem::remove_all(folder_);
  }
  void StartListener() {
    ListenerOptions options;
    options.guest = {"bounce.example.test", std::string(32, 'k')};
    ListenerEvents events;
    events.receipt = [this](const std::string&, work::Receipt receipt) {
      return Keep([&] { receipts_.push_back(receipt); });
    };
    events.inbound = [this](const std::string&, work::InboundMessage message) {
      return Keep([&] { messages_.push_back(message); });
    };
    auto listener = Listener::Start(options, events);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }
  void StartSession() {
    SessionOptions options;
    options.host = "localhost";  // as its certificate says
    options.port = server_->port();
    options.bounce_domain = "bounce.example.test";
    options.token_key = std::string(32, 'k');
    auto trust = TlsTrust::Make(folder_ + "/cert.pem");
    ASSERT_TRUE(trust.ok()) << trust.status();
    options.trust = *trust;
    SessionEvents events;
    events.finished = [this](const std::string& id, work::Outcome outcome) {
      Note([&] { outcomes_[id] = outcome; });
    };
    events.link = [this](bool up, const std::string& detail, const std::string&) {
      Note([&] {
        up_ = up;
        detail_ = detail;
      });
    };
    session_ = std::make_unique<Session>(options, *sdk::HardStop::Make(), events);
    session_->Start();
    ASSERT_TRUE(Until([&] { return up_; })) << detail_;
  }
  template <typename Change>
  void Note(Change change) {
    base::MutexLock lock(mutex_);
    change();
    changed_.NotifyAll();
  }
  template <typename Change>
  std::optional<uint64_t> Keep(Change change) {
    base::MutexLock lock(mutex_);
    change();
    changed_.NotifyAll();
    kept_.push_back(++sequence_);
    return sequence_;
  }
  // Meanwhile dispatch, which is this test, keeps what came.
  template <typename Condition>
  bool Until(Condition condition) {
    for (int64_t until = Now() + kPatienceUs; Now() < until;) {
      std::vector<uint64_t> kept;
      {
        base::MutexLock lock(mutex_);
        if (condition()) return true;
        changed_.WaitForMicros(lock, 10'000);
        kept.swap(kept_);
      }
      if (!kept.empty()) listener_->Acknowledged(kept);
    }
    return false;
  }
  std::string Submit(const std::string& address) {
    sdk::Task task;
    std::string id = base::RandomBytes16();
    task.attempt.set_id(id);
    task.attempt.set_address(address);
    task.attempt.set_sender("clinic@example.test");
    task.attempt.set_text("Hello");
    task.attempt.mutable_email()->set_subject("Hello");
    task.attempt.mutable_email()->set_html("<p>Hello</p>");
    task.attempt.mutable_email()->set_list_unsubscribe(true);
    task.pull_sent_us = Now();
    task.use_by_us = task.pull_sent_us + 60'000'000;
    task.hard_stop_us = task.use_by_us + 60'000'000;
    session_->Submit({task});
    return id;
  }
  work::Outcome Finished(const std::string& id) {
    EXPECT_TRUE(Until([&] { return outcomes_.count(id) > 0; })) << detail_;
    base::MutexLock lock(mutex_);
    return outcomes_[id];
  }

  const std::string folder_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<std::string, work::Outcome> outcomes_;
  std::vector<work::Receipt> receipts_;
  std::vector<work::InboundMessage> messages_;
  std::vector<uint64_t> kept_;
  uint64_t sequence_ = 0;
  std::string detail_;
  bool up_ = false;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<sandbox::MailServer> server_;
  std::unique_ptr<Session> session_;
};

TEST_F(SandboxTest, OrdinaryMailIsAcceptedThroughTls) {
  EXPECT_TRUE(Finished(Submit("anna@example.test")).has_accepted());
  EXPECT_EQ(server_->counts().accepted, 1);
  EXPECT_GE(server_->counts().over_tls, 1);
}

TEST_F(SandboxTest, MagicAddressesMeetTheirFates) {
  EXPECT_TRUE(Finished(Submit("bounce-hard@example.test")).rejected().hard_bounce());
  auto deferred = Finished(Submit("defer-once@example.test"));
  EXPECT_TRUE(deferred.rejected().transient());
  EXPECT_FALSE(deferred.rejected().hard_bounce());
  EXPECT_TRUE(Finished(Submit("silent-drop@example.test")).has_no_answer());
}

TEST_F(SandboxTest, ALateBounceComesBackAsAReceiptOfItsAttempt) {
  std::string late = Submit("bounce-late@example.test");
  EXPECT_TRUE(Finished(late).has_accepted());
  ASSERT_TRUE(Until([&] { return receipts_.size() == 1; }));
  EXPECT_EQ(receipts_[0].provider_id(), base::ToHex(late));
  EXPECT_EQ(receipts_[0].state(), work::UNDELIVERABLE);
  EXPECT_TRUE(receipts_[0].hard_bounce());
  std::string full = Submit("full@example.test");
  ASSERT_TRUE(Until([&] { return receipts_.size() == 2; }));
  EXPECT_EQ(receipts_[1].provider_id(), base::ToHex(full));
  EXPECT_FALSE(receipts_[1].hard_bounce());
  EXPECT_TRUE(Until([&] { return server_->counts().dsns_acked == 2; }));
}

TEST_F(SandboxTest, AnUnsubscribeMailComesBackWithItsAttempt) {
  std::string id = Submit("unsubscribe@example.test");
  EXPECT_TRUE(Finished(id).has_accepted());
  ASSERT_TRUE(Until([&] { return messages_.size() == 1; }));
  EXPECT_EQ(messages_[0].unsubscribe_attempt(), id);
  EXPECT_EQ(messages_[0].from(), "unsubscribe@example.test");
}

TEST_F(SandboxTest, ManyMessagesEachOnce) {
  constexpr int kMessages = 400;
  std::vector<std::string> ids;
  for (int i = 0; i < kMessages; ++i) ids.push_back(Submit("person" + std::to_string(i) + "@example.test"));
  for (const auto& id : ids) EXPECT_TRUE(Finished(id).has_accepted());
  EXPECT_EQ(server_->counts().accepted, kMessages);
}

}  // namespace
}  // namespace pharos::smtp
