// For tests: a session, the scripted server that it speaks to, and what it said.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/smtp/scripted_server.h"
#include "connectors/smtp/session.h"
#include "services/base/mutex.h"

namespace pharos::smtp {

inline constexpr int64_t kPatienceUs = 20'000'000;

class SessionTest : public testing::Test {
 protected:
  static int64_t Now() { return base::Clock::System().BootMicros(); }
  SessionTest() {
    options_.tls = TlsMode::kOff;
    options_.bounce_domain = "bounce.example.test";
    options_.token_key = std::string(32, 'k');
    options_.reconnect_first_us = 20'000;
    options_.connections = 1;
  }
  void StartServer(Script script) { server_ = std::make_unique<ScriptedServer>(std::move(script)); }
  void StartSession() {
    options_.port = server_->port();
    SessionEvents events;
    events.finished = [this](const std::string& id, work::Outcome outcome) {
      base::MutexLock lock(mutex_);
      EXPECT_TRUE(outcomes_.emplace(id, outcome).second) << "answered twice";
      changed_.NotifyAll();
    };
    events.link = [this](bool up, const std::string& detail, const std::string& problem) {
      base::MutexLock lock(mutex_);
      up_ = up;
      details_.push_back(detail);
      problem_ = problem;
      changed_.NotifyAll();
    };
    session_ = std::make_unique<Session>(options_, *sdk::HardStop::Make(), events);
    session_->Start();
  }
  void StartBoth(Script script) {
    StartServer(std::move(script));
    StartSession();
    ASSERT_TRUE(Until([&] { return up_; })) << Detail();
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
  bool Says(const std::string& words) {
    return Until([&] { return !details_.empty() && details_.back().find(words) != std::string::npos; });
  }
  std::string Detail() {
    base::MutexLock lock(mutex_);
    return details_.empty() ? "(nothing was said)" : details_.back();
  }
  // use-by and hard stop are far away unless a test is about them: a test process is killed by its hard stop
  // too.
  static sdk::Task Task(char id, int64_t lease_us = 60'000'000) {
    sdk::Task task;
    task.attempt.set_id(std::string(16, id));
    task.attempt.set_address("anna@example.test");
    task.attempt.set_sender("clinic@example.test");
    task.attempt.set_text("Hello\n.\nAnna");
    task.attempt.mutable_email()->set_subject("Hello");
    task.attempt.mutable_email()->set_html("<p>Hello</p>");
    task.attempt.mutable_email()->set_list_unsubscribe(true);
    task.pull_sent_us = Now();
    task.use_by_us = task.pull_sent_us + lease_us;
    task.hard_stop_us = task.use_by_us + 60'000'000;
    return task;
  }
  work::Outcome Finished(char id) {
    EXPECT_TRUE(Until([&] { return outcomes_.count(std::string(16, id)) > 0; })) << id << ": " << Detail();
    return outcomes_[std::string(16, id)];
  }
  work::Outcome Send(char id, int64_t lease_us = 60'000'000) {
    session_->Submit({Task(id, lease_us)});
    return Finished(id);
  }
  work::Outcome SendTo(char id, const std::string& address) {
    auto task = Task(id);
    task.attempt.set_address(address);
    session_->Submit({task});
    return Finished(id);
  }
  static Script Answering(const std::string& command, const std::string& answer) {
    Script script;
    script.answer = [=](const std::string& c, const std::string&) { return c == command ? answer : ""; };
    return script;
  }

  SessionOptions options_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<std::string, work::Outcome> outcomes_;
  std::vector<std::string> details_;
  std::string problem_;
  bool up_ = false;
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<Session> session_;
};

}  // namespace pharos::smtp
