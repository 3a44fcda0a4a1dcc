// The session against the simulated GOV.UK Notify over real sockets.
#include "connectors/notify/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>

#include "connectors/sandbox/notify_server.h"
#include "services/base/ids.h"
#include "services/base/mutex.h"

namespace pharos::notify {
namespace {

using sandbox::NotifyFault;
constexpr int64_t kPatienceUs = 20'000'000;

class NotifySessionTest : public testing::Test {
 protected:
  static int64_t Now() { return base::Clock::System().BootMicros(); }
  NotifySessionTest() {
    server_options_.api.per_second = 0;  // no limit unless a test is about it
    options_.per_second = 1'000;
    options_.per_minute = 1'000'000;
    options_.send.template_id = sandbox::kNotifySmsTemplate;
    options_.connection.response_timeout_us = 5'000'000;
    options_.reconnect_first_us = 20'000;
    options_.questions.lag_us = 100'000;
    options_.questions.at_start = false;
    options_.key = *ParseApiKey(server_options_.api.key);
  }
  ~NotifySessionTest() override {
    session_.reset();
    server_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  void WithTls() {
    folder_ = testing::TempDir() + "/notify-" + base::ToHex(base::RandomBytes16());
    std::filesystem::create_directories(folder_);
    server_options_.tls_folder = folder_;
  }
  void StartServer() {
    auto server = sandbox::NotifyServer::Start(server_options_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  void StartSession() {
    bool tls = !server_options_.tls_folder.empty();
    Endpoint& where = options_.connection.endpoint;
    where = *ParseUrl(tls ? "https://localhost" : "http://127.0.0.1");
    where.port = server_->port();
    if (tls && !options_.connection.trust) options_.connection.trust = *TlsTrust::Make(folder_ + "/cert.pem");
    SessionEvents events;
    events.finished = [this](const std::string& id, work::Outcome outcome) {
      Note([&] { EXPECT_TRUE(outcomes_.emplace(id, outcome).second) << "answered twice"; });
    };
    events.found = [this](work::Findings findings) {
      Note([&] {
        for (const auto& finding : findings.findings()) findings_[finding.id()] = finding;
      });
    };
    events.receipt = [this](const std::string&, work::Receipt receipt) {
      Note([&] { receipts_.push_back(receipt); });
      return std::optional<uint64_t>(1);
    };
    events.link = [this](const LinkWords& words) { Note([&] { link_ = words; }); };
    session_ = std::make_unique<Session>(options_, *sdk::HardStop::Make(), events);
    session_->Start();
  }
  void StartBoth() {
    StartServer();
    StartSession();
    ASSERT_TRUE(Until([&] { return link_.ready; })) << link_.detail;
  }
  template <typename Change>
  void Note(Change change) {
    base::MutexLock lock(mutex_);
    change();
    changed_.NotifyAll();
  }
  template <typename Condition>
  bool Until(Condition condition) {
    base::MutexLock lock(mutex_);
    for (int64_t until = Now() + kPatienceUs; Now() < until;) {
      if (condition()) return true;
      changed_.WaitForMicros(lock, 10'000);
    }
    return false;
  }
  // use-by and hard stop are far away unless a test is about them: a test process is killed by its hard stop
  // too.
  static sdk::Task Task(const std::string& address, int64_t lease_us = 60'000'000) {
    sdk::Task task;
    task.attempt.set_id(base::RandomBytes16());
    task.attempt.set_address(address);
    task.attempt.set_text("Hello");
    task.attempt.mutable_email()->set_subject("News");
    task.pull_sent_us = Now();
    task.use_by_us = task.pull_sent_us + lease_us;
    task.hard_stop_us = task.use_by_us + 60'000'000;
    return task;
  }
  work::Outcome Finished(const std::string& id) {
    EXPECT_TRUE(Until([&] { return outcomes_.count(id) > 0; })) << link_.detail;
    return outcomes_[id];
  }
  std::pair<std::string, work::Outcome> Send(const std::string& address, int64_t lease_us = 60'000'000) {
    auto task = Task(address, lease_us);
    session_->Submit({task});
    return {task.attempt.id(), Finished(task.attempt.id())};
  }
  work::Finding Find(const std::string& id) {
    session_->LookUp({id});
    EXPECT_TRUE(Until([&] { return findings_.count(id) > 0; }));
    return findings_[id];
  }
  bool Says(const std::string& problem, const std::string& words) {
    return Until([&] { return link_.problem == problem && link_.detail.find(words) != std::string::npos; });
  }

  sandbox::NotifyOptions server_options_;
  SessionOptions options_;
  std::string folder_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<std::string, work::Outcome> outcomes_;
  std::map<std::string, work::Finding> findings_;
  std::vector<work::Receipt> receipts_;
  LinkWords link_;
  std::unique_ptr<sandbox::NotifyServer> server_;
  std::unique_ptr<Session> session_;
};

TEST_F(NotifySessionTest, ATextIsAcceptedUnderItsAttemptsId) {
  StartBoth();
  auto [id, outcome] = Send("447700900123");
  ASSERT_EQ(outcome.accepted().provider_ids_size(), 1) << outcome.ShortDebugString();
  EXPECT_EQ(outcome.accepted().provider_ids(0), base::ToHex(id));
  EXPECT_GT(outcome.elapsed_us(), 0);
  EXPECT_EQ(server_->Kept(base::ToHex(id)), 1);
  EXPECT_THAT(server_->Texts(), testing::ElementsAre("Hello"));
}

TEST_F(NotifySessionTest, AnEmailGoesThroughTls) {
  WithTls();
  options_.send.kind = MessageKind::kEmail;
  options_.send.template_id = sandbox::kNotifyEmailTemplate;
  StartBoth();
  for (int i = 0; i < 20; ++i) {
    auto [id, outcome] = Send("anna@example.test");
    EXPECT_TRUE(outcome.has_accepted()) << outcome.ShortDebugString();
    EXPECT_EQ(server_->Kept(base::ToHex(id)), 1);
  }
  EXPECT_EQ(server_->connections(), 1) << "kept alive";
}

TEST_F(NotifySessionTest, ALetterCanBeSentToo) {
  options_.send.kind = MessageKind::kLetter;
  options_.send.template_id = sandbox::kNotifyLetterTemplate;
  StartBoth();
  EXPECT_TRUE(Send("Anna Example\n1 Test Street\nSW1A 1AA").second.has_accepted());
  auto [id, outcome] = Send("Anna Example");
  EXPECT_EQ(outcome.refused().reason(), "NOT_ENCODABLE");
  EXPECT_TRUE(outcome.refused().permanent());
}

TEST_F(NotifySessionTest, ACertificateOfSomebodyElseIsRefusedInWords) {
  WithTls();
  options_.connection.trust = *TlsTrust::Make("");  // the system's: they did not sign this one
  StartServer();
  StartSession();
  ASSERT_TRUE(Says("BAD_CERTIFICATE", "certificate")) << link_.detail;
  EXPECT_EQ(Send("447700900123").second.refused().reason(), "NO_LINK");
}

TEST_F(NotifySessionTest, CutAfterAcceptingItIsInDoubtThenFoundAndNeverSentAgain) {
  StartBoth();
  server_->Next(NotifyFault::kCutAfter);
  auto [id, outcome] = Send("447700900123");
  EXPECT_EQ(outcome.no_answer().reason(), "LINK_LOST") << outcome.ShortDebugString();
  auto finding = Find(id);
  ASSERT_TRUE(finding.has_there());
  EXPECT_EQ(finding.there().provider_ids(0), base::ToHex(id));
  EXPECT_EQ(server_->Kept(base::ToHex(id)), 1);
}

TEST_F(NotifySessionTest, CutBeforeAcceptingItIsInDoubtThenNotThereAndMayBeSentAgain) {
  StartBoth();
  server_->Next(NotifyFault::kCutBefore);
  auto [id, outcome] = Send("447700900123");
  EXPECT_TRUE(outcome.has_no_answer()) << outcome.ShortDebugString();
  int64_t asked = Now();
  EXPECT_TRUE(Find(id).not_there());
  EXPECT_GE(Now() - asked, 2 * options_.questions.lag_us) << "asked earlier it may still arrive";
  EXPECT_TRUE(Send("447700900123").second.has_accepted());
  EXPECT_EQ(server_->Texts().size(), 1u);
}

TEST_F(NotifySessionTest, AServerErrorIsInDoubtEitherWay) {
  StartBoth();
  server_->Next(NotifyFault::kErrorAfter);
  auto kept = Send("447700900123");
  EXPECT_EQ(kept.second.no_answer().reason(), "PROVIDER_ERROR");
  server_->Next(NotifyFault::kErrorBefore);
  auto lost = Send("447700900124");
  EXPECT_EQ(lost.second.no_answer().reason(), "PROVIDER_ERROR");
  EXPECT_TRUE(Find(kept.first).has_there());
  EXPECT_TRUE(Find(lost.first).not_there());
}

TEST_F(NotifySessionTest, SilenceAfterTheBodyEndsInDoubt) {
  options_.connection.response_timeout_us = 200'000;
  StartBoth();
  server_->Next(NotifyFault::kSilent);
  auto [id, outcome] = Send("447700900123");
  EXPECT_EQ(outcome.no_answer().reason(), "RESPONSE_TIMEOUT");
  EXPECT_TRUE(Find(id).has_there());
}

TEST_F(NotifySessionTest, AKeptConnectionThatDiedCostsNoMessageAndSendsNoneTwice) {
  StartBoth();
  for (int round = 0; round < 30; ++round) {
    server_->CutLinks();
    auto [id, outcome] = Send("447700900123", 5'000'000);
    int kept = server_->Kept(base::ToHex(id));
    EXPECT_LE(kept, 1);
    if (outcome.has_accepted()) {
      EXPECT_EQ(kept, 1);
    } else if (outcome.has_refused()) {
      EXPECT_EQ(kept, 0) << outcome.ShortDebugString();
    }
    ASSERT_TRUE(Until([&] { return link_.ready; })) << link_.detail;
  }
}

TEST_F(NotifySessionTest, ThrottlingLosesNothing) {
  server_options_.api.per_second = 40;
  server_options_.api.burst = 10;
  options_.per_second = 200;  // too fast on purpose
  StartBoth();
  constexpr int kMessages = 60;
  std::deque<sdk::Task> todo;
  for (int i = 0; i < kMessages; ++i) todo.push_back(Task("447700900123"));
  int accepted = 0;
  int64_t until = Now() + 2 * kPatienceUs;
  // As dispatch does: what was refused for a while is given again, under a new id.
  while (accepted < kMessages && Now() < until) {
    std::vector<sdk::Task> batch(todo.begin(), todo.end());
    todo.clear();
    if (!Until([&] { return link_.ready; })) break;
    session_->Submit(batch);
    for (auto& task : batch) {
      auto outcome = Finished(task.attempt.id());
      EXPECT_FALSE(outcome.has_no_answer());
      if (outcome.has_rejected()) {
        EXPECT_EQ(outcome.rejected().reason(), "THROTTLED");
        EXPECT_EQ(outcome.rejected().scope(), work::ROUTE);
        EXPECT_TRUE(outcome.rejected().transient());
      }
      if (outcome.has_accepted())
        ++accepted;
      else
        todo.push_back(Task("447700900123"));
    }
  }
  EXPECT_EQ(accepted, kMessages);
  EXPECT_EQ(server_->Texts().size(), static_cast<size_t>(kMessages));
  EXPECT_GT(server_->counts().throttled, 0);
}

TEST_F(NotifySessionTest, ItsOwnRateIsKept) {
  options_.per_second = 50;
  options_.per_minute = 3'000;
  StartBoth();
  int64_t begun = Now();
  std::vector<sdk::Task> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(Task("447700900123"));
  session_->Submit(tasks);
  for (auto& task : tasks) EXPECT_TRUE(Finished(task.attempt.id()).has_accepted());
  double seconds = static_cast<double>(Now() - begun) / 1e6;
  EXPECT_GE(seconds, (100 - 5) / 50.0);
  EXPECT_LE(seconds, 2 * 100 / 50.0);
}

TEST_F(NotifySessionTest, TheDailyLimitHoldsTheRouteAndQuestionsGoOn) {
  server_options_.api.daily = 1;
  StartBoth();
  auto first = Send("447700900123");
  EXPECT_TRUE(first.second.has_accepted());
  auto outcome = Send("447700900123").second;
  EXPECT_EQ(outcome.rejected().reason(), "DAILY_LIMIT");
  EXPECT_EQ(outcome.rejected().scope(), work::ROUTE);
  EXPECT_GT(outcome.rejected().retry_after_ms(), 0);
  ASSERT_TRUE(Says("DAILY_LIMIT", "midnight UTC"));
  EXPECT_FALSE(link_.up);
  EXPECT_EQ(Send("447700900123").second.refused().reason(), "NO_LINK");
  EXPECT_TRUE(Find(first.first).has_there());
}

TEST_F(NotifySessionTest, ARefusedKeyIsSaidInWords) {
  StartBoth();
  server_->SetKey("other-33333333-3333-4333-8333-333333333333-44444444-4444-4444-8444-444444444444");
  auto outcome = Send("447700900123").second;
  EXPECT_EQ(outcome.rejected().reason(), "WRONG_PASSWORD");
  EXPECT_EQ(outcome.rejected().scope(), work::ROUTE);
  EXPECT_TRUE(outcome.rejected().transient());
  ASSERT_TRUE(Says("WRONG_PASSWORD", "api-key-file")) << link_.detail;
  EXPECT_FALSE(link_.up);
}

TEST_F(NotifySessionTest, AClockThatIsOffIsSaidInWords) {
  StartServer();
  server_->SetClockSkew(45'000'000);
  StartSession();
  EXPECT_TRUE(Says("WRONG_PASSWORD", "clock")) << link_.detail;
}

TEST_F(NotifySessionTest, ATemplateThatIsNotOursStopsTheRouteNotTheMessages) {
  options_.send.template_id = sandbox::kNotifyEmailTemplate;
  StartServer();
  StartSession();
  EXPECT_TRUE(Says("WRONG_ACCOUNT", "template")) << link_.detail;
  EXPECT_EQ(Send("447700900123").second.refused().reason(), "NO_LINK");
}

TEST_F(NotifySessionTest, AWrongNumberFailsForGood) {
  StartBoth();
  auto outcome = Send("12").second;
  EXPECT_EQ(outcome.rejected().reason(), "INVALID_NUMBER");
  EXPECT_FALSE(outcome.rejected().transient());
  EXPECT_TRUE(Send("447700900123").second.has_accepted());
}

TEST_F(NotifySessionTest, ATextThatIsTooLongFailsForGoodAndTheRouteGoesOn) {
  StartBoth();
  auto task = Task("447700900123");
  task.attempt.set_text(std::string(2'000, 'x'));
  session_->Submit({task});
  auto outcome = Finished(task.attempt.id());  // "Content for template has a character count greater than …"
  EXPECT_EQ(outcome.rejected().reason(), "TOO_LONG");
  EXPECT_FALSE(outcome.rejected().transient());
  EXPECT_TRUE(Send("447700900123").second.has_accepted());
}

TEST_F(NotifySessionTest, SmokeRecipientsAreAcceptedAndNeverHeardOfAgain) {
  options_.questions.poll_after_us = 1;
  StartBoth();
  auto [id, outcome] = Send("447700900000");
  ASSERT_TRUE(outcome.has_accepted());
  EXPECT_EQ(outcome.accepted().provider_ids_size(), 0) << "no receipt is waited for";
  EXPECT_EQ(server_->Kept(base::ToHex(id)), 0);
  EXPECT_EQ(server_->counts().smoke, 1);
}

TEST_F(NotifySessionTest, InTrialModeAProviderThatIsNoSandboxGetsNothing) {
  server_options_.says_sandbox = false;
  StartServer();
  StartSession();
  ASSERT_TRUE(Says("NOT_A_SANDBOX", "trial mode")) << link_.detail;
  EXPECT_EQ(Send("447700900123").second.refused().reason(), "NO_LINK");
  EXPECT_EQ(server_->counts().requests, 1) << "only /_status, which needs no key";
  session_->SetLive(true);
  ASSERT_TRUE(Until([&] { return link_.ready; })) << link_.detail;
  EXPECT_TRUE(Send("447700900123").second.has_accepted());
  session_->SetLive(false);
  ASSERT_TRUE(Says("NOT_A_SANDBOX", "trial mode")) << link_.detail;
  EXPECT_EQ(Send("447700900123").second.refused().reason(), "NO_LINK");
}

TEST_F(NotifySessionTest, NothingIsConnectedBeforeTheModeIsKnown) {
  options_.live = std::nullopt;
  StartServer();
  StartSession();
  EXPECT_EQ(Send("447700900123").second.refused().reason(), "NO_LINK");
  EXPECT_EQ(server_->connections(), 0);
  session_->SetLive(false);
  EXPECT_TRUE(Until([&] { return link_.ready; })) << link_.detail;
}

TEST_F(NotifySessionTest, SilentMessagesAreAskedAbout) {
  options_.questions.poll_after_us = 50'000;
  StartBoth();
  auto good = Send("447700900123"), bad = Send("447700900002");
  ASSERT_TRUE(Until([&] { return receipts_.size() >= 2; }));
  base::MutexLock lock(mutex_);
  std::map<std::string, work::ReceiptState> states;
  for (const auto& receipt : receipts_) states[receipt.provider_id()] = receipt.state();
  EXPECT_EQ(states[base::ToHex(good.first)], work::DELIVERED);
  EXPECT_EQ(states[base::ToHex(bad.first)], work::UNDELIVERABLE);
  EXPECT_EQ(receipts_.size(), 2u) << "each is said once";
}

TEST_F(NotifySessionTest, AfterAStartWhatAnEarlierLifeSentIsAskedAbout) {
  server_options_.api.rules.receipt_delay_us = 0;
  StartBoth();
  constexpr int kMessages = 300;  // more than one page
  std::vector<sdk::Task> tasks;
  for (int i = 0; i < kMessages; ++i) tasks.push_back(Task("447700900123"));
  session_->Submit(tasks);
  for (auto& task : tasks) ASSERT_TRUE(Finished(task.attempt.id()).has_accepted());
  session_.reset();
  options_.questions.at_start = true;
  StartSession();
  EXPECT_TRUE(Until([&] { return receipts_.size() == kMessages; }));
}

TEST_F(NotifySessionTest, RecalledMessagesThatHaveNotBegunAreNotSent) {
  options_.per_second = 1;
  options_.per_minute = 60;
  StartBoth();
  std::vector<sdk::Task> tasks;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    tasks.push_back(Task("447700900123"));
    ids.push_back(tasks.back().attempt.id());
  }
  session_->Submit(tasks);
  session_->Recall(ids);
  size_t sent = 0;
  for (const auto& id : ids) {
    auto outcome = Finished(id);
    sent += outcome.has_accepted();
    if (!outcome.has_accepted()) {
      EXPECT_EQ(outcome.refused().reason(), "RECALLED");
    }
  }
  EXPECT_LE(sent, 2u);
  EXPECT_EQ(server_->Texts().size(), sent);
}

TEST_F(NotifySessionTest, PastItsUseByAMessageIsNotBegun) {
  StartBoth();
  EXPECT_EQ(Send("447700900123", -1).second.refused().reason(), "LEASE_OVER");
  EXPECT_TRUE(server_->Texts().empty());
  EXPECT_TRUE(Send("447700900123").second.has_accepted()) << "the connection goes on";
}

TEST_F(NotifySessionTest, ARequestThatIsNotTakenBeforeTheHardStopIsResetAndNeverArrives) {
  options_.connection.hard_stop_margin_us = 500'000;
  options_.connection.send_queue_bytes = 32 * 1024;
  options_.send.kind = MessageKind::kEmail;
  options_.send.template_id = sandbox::kNotifyEmailTemplate;
  StartBoth();
  server_->StopReading(true);
  auto task = Task("anna@example.test", 500'000);
  task.attempt.set_text(std::string(1'900'000, 'x'));
  task.hard_stop_us = task.use_by_us + 2'000'000;
  session_->Submit({task});
  auto outcome = Finished(task.attempt.id());
  EXPECT_TRUE(outcome.has_no_answer() || outcome.has_refused()) << outcome.ShortDebugString();
  EXPECT_LT(Now(), task.hard_stop_us);
  server_->StopReading(false);
  ASSERT_TRUE(Until([&] { return link_.ready; })) << link_.detail;
  EXPECT_EQ(server_->Kept(base::ToHex(task.attempt.id())), 0);
}

TEST_F(NotifySessionTest, StoppingWaitsForAnswers) {
  server_options_.slow_us = 300'000;
  StartBoth();
  server_->Next(NotifyFault::kSlow);
  auto task = Task("447700900123");
  session_->Submit({task});
  session_->Stop(5'000'000);
  EXPECT_TRUE(outcomes_[task.attempt.id()].has_accepted()) << outcomes_[task.attempt.id()].ShortDebugString();
}

TEST_F(NotifySessionTest, ManyAtOnceUnderFaultsAreEachKeptOnceOrProvablyNot) {
  server_options_.api.fault_percent = 30;
  server_options_.slow_us = 50'000;
  options_.connection.response_timeout_us = 500'000;
  StartBoth();
  std::vector<sdk::Task> tasks;
  for (int i = 0; i < 200; ++i) tasks.push_back(Task("44780000" + std::to_string(1000 + i)));
  for (auto& task : tasks) {  // as many as dispatch would have open
    session_->Submit({task});
    auto outcome = Finished(task.attempt.id());
    std::string id = task.attempt.id();
    int kept = server_->Kept(base::ToHex(id));
    EXPECT_LE(kept, 1);
    if (outcome.has_accepted()) {
      EXPECT_EQ(kept, 1);
    } else if (outcome.has_no_answer()) {
      ASSERT_TRUE(Until([&] { return link_.ready; })) << link_.detail;
      auto finding = Find(id);
      EXPECT_EQ(finding.has_there(), kept == 1);
    } else {
      EXPECT_EQ(kept, 0) << outcome.ShortDebugString();
    }
    ASSERT_TRUE(Until([&] { return link_.ready; })) << link_.detail;
  }
}

}  // namespace
}  // namespace pharos::notify
