// The session against the sandbox, over a real loopback connection.
#include "connectors/smpp/session.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "connectors/sandbox/smsc.h"
#include "services/base/mutex.h"

namespace pharos::smpp {
namespace {

constexpr int64_t kPatienceUs = 20'000'000;

// What the session said, for a test to wait on.
class Heard {
 public:
  SessionEvents Events() {
    SessionEvents events;
    events.finished = [this](std::vector<Finished> all) {
      Note([&] {
        for (auto& one : all) outcomes[one.id] = one.outcome;
      });
    };
    events.receipt = [this](const std::string& key, work::Receipt receipt) -> std::optional<uint64_t> {
      return Keep(key, [&] { receipts.push_back(receipt); });
    };
    events.inbound = [this](const std::string& key, work::InboundMessage message) -> std::optional<uint64_t> {
      return Keep(key, [&] { messages.push_back(message); });
    };
    events.link = [this](const LinkNews& news) {
      Note([&] {
        up = news.up;
        details.push_back(news.detail);
        problem = news.problem;
      });
    };
    return events;
  }
  template <typename Condition>
  bool Until(Condition condition) {
    base::MutexLock lock(mutex_);
    for (int64_t until = Now() + kPatienceUs; Now() < until;) {
      if (condition()) return true;
      changed_.WaitForMicros(lock, 20'000);
    }
    return false;
  }
  static int64_t Now() { return base::Clock::System().BootMicros(); }

  std::map<std::string, work::Outcome> outcomes;
  std::vector<work::Receipt> receipts;
  std::vector<work::InboundMessage> messages;
  std::vector<std::string> details;
  std::string problem;
  std::map<std::string, uint64_t> kept;
  uint64_t offered = 0;
  bool up = false, full = false;

 private:
  template <typename Change>
  void Note(Change change) {
    base::MutexLock lock(mutex_);
    change();
    changed_.NotifyAll();
  }
  template <typename Change>
  std::optional<uint64_t> Keep(const std::string& key, Change change) {
    base::MutexLock lock(mutex_);
    ++offered;
    changed_.NotifyAll();
    if (full) return std::nullopt;
    change();
    return kept.emplace(key, kept.size() + 1).first->second;
  }
  base::Mutex mutex_;
  base::CondVar changed_;
};

class SessionTest : public testing::Test {
 protected:
  void StartSmsc(sandbox::SmscOptions options = {}) {
    auto smsc = sandbox::Smsc::Start(options);
    ASSERT_TRUE(smsc.ok()) << smsc.status();
    smsc_ = *std::move(smsc);
    options_.port = smsc_->port();
    options_.system_id = "pharos";
    options_.inbound_id_tlv = sandbox::kReplyIdTlv;
    options_.reconnect_first_us = 50'000;
  }
  void StartSession() {
    session_ = std::make_unique<Session>(options_, *sdk::HardStop::Make(), heard_.Events());
    session_->Start();
  }
  void StartBoth(sandbox::SmscOptions options = {}) {
    StartSmsc(options);
    StartSession();
    ASSERT_TRUE(heard_.Until([&] { return heard_.up; }));
  }
  // use-by and hard stop are far away unless a test is about them: a test process is killed by its hard stop
  // too.
  static sdk::Task Task(const std::string& id, const std::string& number, const std::string& text = "Hello",
                        int64_t lease_us = 60'000'000) {
    sdk::Task task;
    task.attempt.set_id(id);
    task.attempt.set_address(number);
    task.attempt.set_sender("NHS");
    task.attempt.set_text(text);
    task.pull_sent_us = Heard::Now();
    task.use_by_us = task.pull_sent_us + lease_us;
    task.hard_stop_us = task.use_by_us + 60'000'000;
    return task;
  }
  work::Outcome Finished(const std::string& id) {
    EXPECT_TRUE(heard_.Until([&] { return heard_.outcomes.count(id) > 0; })) << id;
    return heard_.outcomes[id];
  }

  std::unique_ptr<sandbox::Smsc> smsc_;
  Heard heard_;
  SessionOptions options_;
  std::unique_ptr<Session> session_;
};

TEST_F(SessionTest, AMessageIsAcceptedAndItsReceiptComes) {
  StartBoth();
  session_->Submit({Task("0123456789abcd\x12\x34", "447700900100")});
  auto outcome = Finished("0123456789abcd\x12\x34");
  ASSERT_EQ(outcome.accepted().provider_ids_size(), 1);
  EXPECT_GT(outcome.elapsed_us(), 0);
  ASSERT_TRUE(heard_.Until([&] { return heard_.receipts.size() == 1; }));
  EXPECT_EQ(heard_.receipts[0].provider_id(), outcome.accepted().provider_ids(0));
  EXPECT_EQ(heard_.receipts[0].state(), work::DELIVERED);
  EXPECT_EQ(heard_.receipts[0].reference(), 0x1234);
  EXPECT_EQ(smsc_->counts().receipts_acked, 0);  // not before it is kept
  session_->Acknowledged({1});
  EXPECT_TRUE(heard_.Until([&] { return smsc_->counts().receipts_acked == 1; }));
}

TEST_F(SessionTest, MagicNumbersMeetTheirFates) {
  StartBoth();
  session_->Submit({Task("rejected", "447700900001"), Task("failed", "447700900002"),
                    Task("throttled", "447700900007"), Task("early", "447700900009")});
  EXPECT_EQ(Finished("rejected").rejected().reason(), "INVALID_NUMBER");
  EXPECT_EQ(Finished("throttled").rejected().reason(), "THROTTLED");
  EXPECT_TRUE(Finished("throttled").rejected().transient());
  EXPECT_TRUE(Finished("failed").has_accepted());
  EXPECT_TRUE(Finished("early").has_accepted());
  session_->Submit({Task("throttled again", "447700900007")});
  EXPECT_TRUE(Finished("throttled again").has_accepted());
  ASSERT_TRUE(heard_.Until([&] { return heard_.receipts.size() >= 3; }));
}

TEST_F(SessionTest, ALongMessageHasAnIdForEachPart) {
  StartBoth();
  session_->Submit({Task("long", "447700900100", std::string(400, 'x'))});
  EXPECT_EQ(Finished("long").accepted().provider_ids_size(), 3);
}

TEST_F(SessionTest, AStopIsRepeatedOverLinksUntilItIsKept) {
  sandbox::SmscOptions options;
  options.repeat_us = 50'000;
  StartBoth(options);
  session_->Submit({Task("a", "447700900005")});
  ASSERT_TRUE(heard_.Until([&] { return heard_.messages.size() >= 2; }));  // on the same link
  smsc_->CutLinks();
  size_t before = heard_.messages.size();
  ASSERT_TRUE(heard_.Until([&] { return heard_.messages.size() > before; }));  // on the next
  EXPECT_EQ(smsc_->counts().replies_acked, 0);
  EXPECT_EQ(heard_.messages.front().text(), "STOP");
  EXPECT_EQ(heard_.messages.front().from(), "447700900005");
  EXPECT_EQ(heard_.messages.front().id(), heard_.messages.back().id());
  EXPECT_TRUE(heard_.Until([&] {
    for (uint64_t i = 1; i <= heard_.kept.size(); ++i) session_->Acknowledged({i});
    return smsc_->counts().replies_acked == 1;
  }));
}

TEST_F(SessionTest, AWrongPasswordIsSaidInWordsAndNotTriedAgainSoon) {
  sandbox::SmscOptions options;
  options.password = "right";
  StartSmsc(options);
  options_.password = "wrong";
  StartSession();
  ASSERT_TRUE(heard_.Until([&] { return !heard_.details.empty(); }));
  EXPECT_NE(heard_.details[0].find("password"), std::string::npos);
  EXPECT_EQ(heard_.problem, "WRONG_PASSWORD");
  EXPECT_FALSE(heard_.up);
  session_->Submit({Task("a", "447700900100")});
  EXPECT_EQ(Finished("a").refused().reason(), "NO_LINK");
}

TEST_F(SessionTest, WhatTheLinkTookWithoutAnAnswerIsInDoubt) {
  options_.window = 2;
  StartBoth();
  smsc_->HoldAnswers(true);
  session_->Submit({Task("a", "447700900100"), Task("b", "447700900101"), Task("waits", "447700900102")});
  ASSERT_TRUE(heard_.Until([&] { return smsc_->counts().submits == 2; }));
  smsc_->CutLinks();
  EXPECT_EQ(Finished("a").no_answer().reason(), "LINK_LOST");
  EXPECT_EQ(Finished("b").no_answer().reason(), "LINK_LOST");
  EXPECT_EQ(Finished("waits").refused().reason(), "NO_LINK");
  smsc_->HoldAnswers(false);
  ASSERT_TRUE(heard_.Until([&] { return smsc_->counts().binds == 2 && heard_.up; }));
  session_->Submit({Task("after", "447700900103")});
  EXPECT_TRUE(Finished("after").has_accepted());
  EXPECT_EQ(smsc_->counts().submits, 3);
}

TEST_F(SessionTest, NoAnswerInTimeIsInDoubt) {
  options_.response_timeout_us = 200'000;
  StartBoth();
  smsc_->HoldAnswers(true);
  session_->Submit({Task("a", "447700900100")});
  EXPECT_EQ(Finished("a").no_answer().reason(), "RESPONSE_TIMEOUT");
}

TEST_F(SessionTest, AfterUseByNothingIsBegun) {
  options_.window = 1;
  StartBoth();
  smsc_->HoldAnswers(true);
  session_->Submit({Task("first", "447700900100"), Task("late", "447700900101", "Hello", 300'000),
                    Task("over", "447700900102", "Hello", -1)});
  EXPECT_EQ(Finished("late").refused().reason(), "LEASE_OVER");
  EXPECT_EQ(Finished("over").refused().reason(), "LEASE_OVER");
  EXPECT_EQ(smsc_->counts().submits, 1);
}

// The provider's window is closed: what it has not taken at the hard stop never reaches it, and this process
// lives on.
TEST_F(SessionTest, AClosedWindowEndsInAResetBeforeTheHardStop) {
  options_.window = 100'000;
  options_.send_queue_bytes = 1 << 20;
  StartBoth();
  smsc_->StopReading(true);
  std::vector<sdk::Task> tasks;
  for (int i = 0; i < 10'000; ++i) {
    auto task = Task("t" + std::to_string(i), "447700900100", std::string(150, 'x'), 2'000'000);
    task.hard_stop_us = task.use_by_us + 500'000;
    tasks.push_back(task);
  }
  int64_t hard_stop = tasks.front().hard_stop_us;
  session_->Submit(std::move(tasks));
  ASSERT_TRUE(heard_.Until([&] { return heard_.outcomes.size() == 10'000; }));
  EXPECT_LT(Heard::Now(), hard_stop);
  size_t in_doubt = 0;
  for (const auto& [id, outcome] : heard_.outcomes) in_doubt += outcome.has_no_answer();
  EXPECT_GT(in_doubt, 0u);
  smsc_->StopReading(false);
  ASSERT_TRUE(heard_.Until([&] { return smsc_->counts().binds >= 2; }));
  EXPECT_LE(smsc_->counts().submits, static_cast<int64_t>(in_doubt));  // what was refused never arrived
}

TEST_F(SessionTest, ReadingStopsWhileNothingCanBeKept) {
  StartBoth();
  heard_.full = true;
  session_->Submit({Task("a", "447700900100")});
  Finished("a");
  ASSERT_TRUE(heard_.Until([&] { return heard_.offered > 0; }));
  heard_.full = false;
  EXPECT_TRUE(heard_.Until([&] { return heard_.receipts.size() == 1; }));
}

TEST_F(SessionTest, StoppingWaitsForAnswersAndUnbinds) {
  StartBoth();
  std::vector<sdk::Task> tasks;
  for (int i = 0; i < 200; ++i) tasks.push_back(Task("t" + std::to_string(i), "447700900100"));
  session_->Submit(std::move(tasks));
  Finished("t0");
  session_->Stop(10'000'000);
  ASSERT_EQ(heard_.outcomes.size(), 200u);
  for (const auto& [id, outcome] : heard_.outcomes)
    EXPECT_TRUE(outcome.has_accepted()) << id << outcome.DebugString();
}

// A provider that answers binds as somebody else than a sandbox would.
class RealProvider {
 public:
  RealProvider() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    listen(fd_, 16);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~RealProvider() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  int port() const { return port_; }
  int submissions() const { return submissions_; }

 private:
  void Run() {
    for (int guest; (guest = accept(fd_, nullptr, nullptr)) >= 0; close(guest)) Serve(guest);
  }
  // Until the other side has gone.
  void Serve(int guest) {
    std::string in;
    char buffer[4096];
    for (ssize_t got; (got = recv(guest, buffer, sizeof buffer, 0)) > 0;) {
      in.append(buffer, static_cast<size_t>(got));
      for (size_t length; NextFrame(in, length) == Framing::kWhole; in.erase(0, length)) {
        auto request = Decode(std::string_view(in).substr(0, length));
        if (!request.ok()) return;
        if (request->command == kSubmitSm) ++submissions_;
        Pdu answer;
        answer.command = ResponseTo(request->command);
        answer.sequence = request->sequence;
        answer.system_id = answer.message_id = "MOBILE";
        std::string frame = Encode(answer);
        send(guest, frame.data(), frame.size(), MSG_NOSIGNAL);
      }
    }
  }
  const int fd_;
  int port_ = 0;
  std::atomic<int> submissions_{0};
  std::thread thread_;
};

TEST_F(SessionTest, InTrialModeAProviderThatIsNoSandboxGetsNothing) {
  RealProvider provider;
  options_.port = provider.port();
  StartSession();
  ASSERT_TRUE(heard_.Until([&] { return !heard_.details.empty(); }));
  EXPECT_FALSE(heard_.up);
  EXPECT_NE(heard_.details.back().find("trial mode"), std::string::npos) << heard_.details.back();
  session_->Submit({Task("0123456789abcdef", "447700900100")});
  EXPECT_EQ(Finished("0123456789abcdef").refused().reason(), "NO_LINK");

  session_->SetLive(true);
  ASSERT_TRUE(heard_.Until([&] { return heard_.up; }));
  session_->Submit({Task("1123456789abcdef", "447700900100")});
  EXPECT_TRUE(Finished("1123456789abcdef").has_accepted());
  session_->SetLive(false);
  ASSERT_TRUE(heard_.Until([&] { return !heard_.up; }));
  EXPECT_EQ(provider.submissions(), 1);
  session_.reset();
}

TEST_F(SessionTest, NothingIsBoundBeforeTheModeIsKnown) {
  options_.live = std::nullopt;
  StartSmsc();
  StartSession();
  session_->Submit({Task("0123456789abcdef", "447700900100")});
  EXPECT_EQ(Finished("0123456789abcdef").refused().reason(), "NO_LINK");
  EXPECT_TRUE(heard_.details.empty());
  session_->SetLive(false);
  EXPECT_TRUE(heard_.Until([&] { return heard_.up; }));
}

}  // namespace
}  // namespace pharos::smpp
