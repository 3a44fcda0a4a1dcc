// The session against a real server on loopback that does what each test tells it.
#include "connectors/smtp/session.h"

#include <atomic>

#include "connectors/smtp/address_token.h"
#include "connectors/smtp/session_fixture.h"
#include "services/base/ids.h"

namespace pharos::smtp {
namespace {

TEST_F(SessionTest, AMessageIsAcceptedUnderItsAttemptsId) {
  StartBoth({});
  auto outcome = Send('a');
  ASSERT_EQ(outcome.accepted().provider_ids_size(), 1);
  EXPECT_EQ(outcome.accepted().provider_ids(0), base::ToHex(std::string(16, 'a')));
  EXPECT_GT(outcome.elapsed_us(), 0);
  ASSERT_EQ(server_->Messages().size(), 1u);
  std::string message = server_->Messages()[0];
  EXPECT_NE(message.find("Hello\r\n..\r\nAnna"), std::string::npos) << "a line of a dot does not end it";
  EXPECT_NE(message.find("List-Unsubscribe:\r\n <mailto:u+"), std::string::npos);
  std::string token = LocalPartFor({AddressKind::kBounce, std::string(16, 'a')}, options_.token_key);
  EXPECT_EQ(server_->Saw("MAIL FROM:<" + token + "@bounce.example.test> SIZE="), 1u);
  EXPECT_EQ(server_->Saw("RCPT TO:<anna@example.test> NOTIFY=FAILURE"), 1u);
}

TEST_F(SessionTest, OneConnectionCarriesManyAndAnotherFollowsWhenItIsFull) {
  options_.messages_per_connection = 3;
  StartBoth({});
  for (char id = 'a'; id < 'a' + 8; ++id) session_->Submit({Task(id)});
  for (char id = 'a'; id < 'a' + 8; ++id) EXPECT_TRUE(Finished(id).has_accepted());
  EXPECT_EQ(server_->connections(), 3);
  EXPECT_TRUE(Until([&] { return server_->Saw("QUIT") == 2; }));
}

TEST_F(SessionTest, WithoutPipeliningEachAnswerIsWaitedFor) {
  Script script;
  script.extensions = {};
  StartBoth(std::move(script));
  EXPECT_TRUE(Send('a').has_accepted());
  EXPECT_EQ(server_->Saw("MAIL FROM:<b+"), 1u);
  EXPECT_EQ(server_->Saw("RCPT TO:<anna@example.test>"), 1u);
}

TEST_F(SessionTest, AServerThatKnowsOnlyHeloIsSpokenToInItsTongue) {
  StartBoth(Answering("EHLO", "500 what?"));
  EXPECT_TRUE(Send('a').has_accepted());
  EXPECT_EQ(server_->Saw("HELO"), 1u);
}

TEST_F(SessionTest, ARefusedRecipientIsRejectedAndTheConnectionGoesOn) {
  std::atomic<int> refuse{1};
  Script script;
  script.answer = [&](const std::string& command, const std::string&) {
    if (command == "RCPT" && refuse) return "550 5.1.1 nobody";
    if (command == "DATA" && refuse) return "554 no recipients";
    return "";
  };
  StartBoth(std::move(script));
  auto outcome = Send('a');
  EXPECT_TRUE(outcome.rejected().hard_bounce());
  EXPECT_EQ(outcome.rejected().code(), "550 5.1.1");
  refuse = 0;
  EXPECT_TRUE(Send('b').has_accepted());
  EXPECT_EQ(server_->connections(), 1);
  EXPECT_EQ(server_->Saw("RSET"), 1u);
}

TEST_F(SessionTest, DataThatIsTakenForARefusedRecipientIsEndedByHangingUpNotByAnEmptyMessage) {
  StartBoth(Answering("RCPT", "550 5.1.1 nobody"));  // DATA is answered 354
  EXPECT_TRUE(Send('a').rejected().hard_bounce());
  EXPECT_TRUE(Send('b').rejected().hard_bounce());
  EXPECT_EQ(server_->connections(), 2);
  EXPECT_TRUE(server_->Messages().empty());
}

TEST_F(SessionTest, ARefusalAfterTheDotIsDefinite) {
  StartBoth(Answering(".", "552 5.2.2 full"));
  auto outcome = Send('a');
  EXPECT_EQ(outcome.rejected().reason(), "MAILBOX_FULL");
  EXPECT_FALSE(outcome.rejected().hard_bounce());
}

TEST_F(SessionTest, LostBeforeTheDotItWasNotHandedOver) {
  StartBoth(Answering("DATA", "CUT"));
  auto outcome = Send('a');
  ASSERT_TRUE(outcome.has_refused()) << outcome.ShortDebugString();
  EXPECT_FALSE(outcome.refused().permanent());
}

TEST_F(SessionTest, LostAfterTheDotNobodyKnows) {
  StartBoth(Answering(".", "CUT"));
  auto outcome = Send('a');
  ASSERT_TRUE(outcome.has_no_answer()) << outcome.ShortDebugString();
  EXPECT_EQ(outcome.no_answer().reason(), "LINK_LOST");
  EXPECT_EQ(server_->Messages().size(), 1u);
}

TEST_F(SessionTest, SilenceAfterTheDotEndsInDoubt) {
  options_.final_timeout_us = 50'000;
  StartBoth(Answering(".", "SILENT"));
  EXPECT_EQ(Send('a').no_answer().reason(), "RESPONSE_TIMEOUT");
}

TEST_F(SessionTest, PastItsUseByAMessageIsNotEnded) {
  StartBoth(Answering("DATA", "SILENT"));
  auto outcome = Send('a', 100'000);
  EXPECT_EQ(outcome.refused().reason(), "LEASE_OVER");
  EXPECT_TRUE(server_->Messages().empty());
  EXPECT_EQ(Send('b', -1).refused().reason(), "LEASE_OVER");  // and one that comes late is not begun
}

// A server that reads nothing of a message until Release().
class StalledTest : public SessionTest {
 protected:
  Script Stalled() {
    Script script;
    script.receive_buffer = 4096;
    script.before_message = [this] {
      base::MutexLock lock(mutex_);
      while (!released_) changed_.WaitForMicros(lock, 10'000);
    };
    return script;
  }
  void Release() {
    base::MutexLock lock(mutex_);
    released_ = true;
    changed_.NotifyAll();
  }
  ~StalledTest() override { Release(); }
  static sdk::Task BigTask(char id, int64_t lease_us) {
    auto task = Task(id, lease_us);
    task.attempt.set_text(std::string(120'000, 'x'));
    return task;
  }
  bool released_ = false;
};

TEST_F(StalledTest, AMessageThatDoesNotGetThroughBeforeItsUseByIsNotEnded) {
  StartBoth(Stalled());
  session_->Submit({BigTask('a', 300'000)});
  EXPECT_EQ(Finished('a').refused().reason(), "LEASE_OVER");
  Release();
  session_.reset();
  server_.reset();  // all was read that came
}

TEST_F(StalledTest, ADotThatIsNotTakenBeforeTheHardStopIsResetAndNeverArrives) {
  options_.send_queue_bytes = 256 * 1024;  // so that the dot is written behind what the server does not read
  options_.hard_stop_margin_us = 500'000;
  StartBoth(Stalled());
  auto task = BigTask('a', 500'000);
  task.hard_stop_us = task.use_by_us + 1'000'000;
  session_->Submit({task});
  EXPECT_EQ(Finished('a').no_answer().reason(), "LINK_LOST");
  EXPECT_LT(Now(), task.hard_stop_us);
  Release();
  session_.reset();
  EXPECT_TRUE(server_->Messages().empty());
}

TEST_F(SessionTest, ComeBackLaterClosesAndSlowsDown) {
  std::atomic<int> busy{1};
  Script script;
  script.answer = [&](const std::string& command, const std::string&) {
    return command == "MAIL" && busy ? "421 4.3.2 busy" : "";
  };
  StartBoth(std::move(script));
  auto outcome = Send('a');
  EXPECT_EQ(outcome.rejected().reason(), "SERVICE_CLOSING");
  EXPECT_TRUE(outcome.rejected().transient());
  busy = 0;
  ASSERT_TRUE(Until([&] { return up_ && server_->connections() >= 2; })) << Detail();
  EXPECT_TRUE(Send('b').has_accepted());
}

TEST_F(SessionTest, PolicyRefusalsOfSeveralPeoplesMessagesInARowPauseTheRoute) {
  StartBoth(Answering(".", "550 5.7.1 not from you"));
  for (char id : {'a', 'b'}) {
    auto outcome = SendTo(id, std::string(1, id) + "@example.test");
    EXPECT_EQ(outcome.rejected().reason(), "POLICY");
    EXPECT_FALSE(outcome.rejected().transient());
    EXPECT_EQ(outcome.rejected().scope(), work::REFUSAL_SCOPE_UNSPECIFIED);
  }
  auto third = SendTo('c', "c@example.test");
  EXPECT_TRUE(third.rejected().transient());
  EXPECT_FALSE(third.rejected().hard_bounce());
  EXPECT_EQ(third.rejected().scope(), work::ROUTE);
  EXPECT_TRUE(Says("for the sender's or the route's sake (550 5.7.1)"));
  ASSERT_TRUE(Until([&] { return !up_; }));
  EXPECT_EQ(SendTo('d', "d@example.test").refused().reason(), "NO_LINK");
}

TEST_F(SessionTest, OneRecipientWhoseSystemRefusesByPolicyHoldsNobodyUp) {
  Script script;
  auto odd = std::make_shared<std::atomic<bool>>(false);
  script.answer = [odd](const std::string& command, const std::string& line) {
    if (command == "RCPT") *odd = line.find("odd@") != std::string::npos;
    if (command == "RCPT" && *odd) return "550 5.7.1 not for this person";
    if (command == "DATA" && *odd) return "503 no recipient";
    return "";
  };
  StartBoth(std::move(script));
  for (char id : {'a', 'b', 'c', 'd', 'e'}) {
    EXPECT_EQ(SendTo(id, "odd@example.test").rejected().reason(), "POLICY");
    EXPECT_EQ(outcomes_[std::string(16, id)].rejected().scope(), work::REFUSAL_SCOPE_UNSPECIFIED);
  }
  EXPECT_TRUE(Send('f').has_accepted());
  EXPECT_TRUE(up_);
  EXPECT_EQ(problem_, "") << "the link is not in trouble";
}

TEST_F(SessionTest, OneBadSenderBetweenGoodOnesHoldsNobodyUp) {
  std::atomic<bool> bad{false};
  Script script;
  script.answer = [&](const std::string& command, const std::string&) {
    return command == "." && bad ? "553 5.1.8 that sender is not yours" : "";
  };
  StartBoth(std::move(script));
  for (int round = 0; round < 6; ++round) {
    bad = true;
    auto refused = SendTo(static_cast<char>('a' + round), "p" + std::to_string(round) + "@example.test");
    EXPECT_EQ(refused.rejected().reason(), "POLICY");
    EXPECT_FALSE(refused.rejected().transient());
    bad = false;
    EXPECT_TRUE(Send(static_cast<char>('A' + round)).has_accepted());
  }
  EXPECT_TRUE(up_);
}

TEST_F(SessionTest, InTrialModeAProviderThatIsNoSandboxGetsNothing) {
  Script script;
  script.greeting = "220 mail.example.test ESMTP";
  StartServer(std::move(script));
  StartSession();
  ASSERT_TRUE(Says("trial mode")) << Detail();
  EXPECT_EQ(Send('a').refused().reason(), "NO_LINK");
  EXPECT_TRUE(server_->Lines().empty()) << "not even EHLO";
  session_->SetLive(true);
  ASSERT_TRUE(Until([&] { return up_; })) << Detail();
  EXPECT_TRUE(Send('b').has_accepted());
  session_->SetLive(false);
  ASSERT_TRUE(Says("trial mode")) << Detail();
  EXPECT_EQ(Send('c').refused().reason(), "NO_LINK");
}

TEST_F(SessionTest, NothingIsConnectedBeforeTheModeIsKnown) {
  options_.live = std::nullopt;
  StartServer({});
  StartSession();
  EXPECT_EQ(Send('a').refused().reason(), "NO_LINK");
  EXPECT_EQ(server_->connections(), 0);
  session_->SetLive(false);
  EXPECT_TRUE(Until([&] { return up_; }));
}

TEST_F(SessionTest, WhatCanNeverBeSentIsRefusedForGood) {
  Script script;
  script.extensions = {"PIPELINING", "SIZE 2000"};
  StartBoth(std::move(script));
  auto task = Task('a');
  task.attempt.set_address("anna@example.test>\r\nRCPT TO:<all@example.test");
  session_->Submit({task});
  EXPECT_EQ(Finished('a').refused().reason(), "NOT_ENCODABLE");
  EXPECT_TRUE(Finished('a').refused().permanent());
  task = Task('b');
  task.attempt.set_address("änna@example.test");  // no SMTPUTF8 here
  session_->Submit({task});
  EXPECT_EQ(Finished('b').refused().reason(), "NOT_ENCODABLE");
  task = Task('c');
  task.attempt.set_text(std::string(5000, 'x'));
  session_->Submit({task});
  EXPECT_EQ(Finished('c').refused().reason(), "TOO_LARGE");
  EXPECT_EQ(server_->Saw("RCPT"), 0u);
}

TEST_F(SessionTest, AnAddressBeyondAsciiGoesWhereItIsUnderstood) {
  Script script;
  script.extensions = {"PIPELINING", "SMTPUTF8", "8BITMIME"};
  StartBoth(std::move(script));
  auto task = Task('a');
  task.attempt.set_address("änna@example.test");
  session_->Submit({task});
  EXPECT_TRUE(Finished('a').has_accepted());
  EXPECT_EQ(server_->Saw("RCPT TO:<änna@example.test>"), 1u);
}

TEST_F(SessionTest, ADomainThatDefersIsLeftAloneAndOthersAreNotHeldUp) {
  options_.pace.deferrals_to_pause = 1;
  std::atomic<bool> slow{false};
  Script script;
  script.answer = [&](const std::string& command, const std::string& line) {
    if (command == "RCPT") slow = line.find("@slow.test") != std::string::npos;
    if (command == "RCPT" && slow) return "451 4.7.1 come back later";
    if (command == "DATA" && slow) return "503 no recipient";
    return "";
  };
  StartBoth(std::move(script));
  auto to = [](char id, const std::string& address) {
    auto task = Task(id);
    task.attempt.set_address(address);
    return task;
  };
  session_->Submit({to('a', "anna@slow.test")});
  auto outcome = Finished('a');
  EXPECT_EQ(outcome.rejected().scope(), work::DOMAIN);
  EXPECT_GE(outcome.rejected().retry_after_ms(), 300'000);
  session_->Submit({to('b', "berta@slow.test"), to('c', "clara@other.test")});
  EXPECT_TRUE(Finished('c').has_accepted());
  EXPECT_EQ(Finished('b').refused().reason(), "DOMAIN_BUSY");
  EXPECT_EQ(Finished('b').refused().scope(), work::DOMAIN);
  EXPECT_GT(Finished('b').refused().retry_after_ms(), 0);
}

TEST_F(SessionTest, WhatIsRecalledBeforeItBeganIsRefusedAndTheOthersEndAsTheyWould) {
  StartBoth(Answering("DATA", "SILENT"));
  session_->Submit({Task('a')});
  ASSERT_TRUE(Until([&] { return server_->Saw("DATA") == 1; }));
  session_->Submit({Task('b')});
  session_->Recall({std::string(16, 'a'), std::string(16, 'b'), std::string(16, 'z')});
  EXPECT_EQ(Finished('b').refused().reason(), "RECALLED");
  base::MutexLock lock(mutex_);
  EXPECT_EQ(outcomes_.count(std::string(16, 'a')), 0u);
}

TEST_F(SessionTest, StoppingWaitsForAnswersAndTakesLeave) {
  StartBoth({});
  session_->Submit({Task('a')});
  session_->Stop(5'000'000);
  EXPECT_TRUE(outcomes_[std::string(16, 'a')].has_accepted() ||
              outcomes_[std::string(16, 'a')].has_refused());
}

}  // namespace
}  // namespace pharos::smtp
