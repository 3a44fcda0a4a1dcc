// The stream client against a server that hosts a small WorkService.
#include "connectors/sdk/work_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "pharos/dispatch/internal/v1/work_service.serve.h"
#include "services/base/mutex.h"
#include "services/base/queue.h"
#include "services/rpc/channel.h"
#include "services/rpc/credentials.h"
#include "services/rpc/server.h"

namespace pharos::sdk {
namespace {

constexpr int64_t kPatienceUs = 20'000'000;
using WorkStream = rpc::Stream<work::WorkRequest, work::WorkResponse>;

// Keeps everything it hears; says what a test tells it to.
class Dispatch : public work::WorkServiceHandler {
 public:
  absl::Status Work(rpc::Call& call, WorkStream& stream) override {
    work::WorkRequest request;
    if (!stream.Read(request) || !request.has_hello()) return absl::OkStatus();
    work::WorkResponse welcome;
    welcome.mutable_welcome()->set_life(std::string(16, 'P'));
    welcome.mutable_welcome()->set_live(live);
    {
      base::MutexLock lock(mutex_);
      hellos.push_back(request.hello());
      stream_ = &stream;
      stream.Write(welcome);
      changed_.NotifyAll();
    }
    while (stream.Read(request)) Hear(request);
    base::MutexLock lock(mutex_);
    if (stream_ == &stream) stream_ = nullptr;
    return absl::OkStatus();
  }
  void Say(const work::WorkResponse& response) {
    base::MutexLock lock(mutex_);
    if (stream_) stream_->Write(response);
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

  std::vector<work::Hello> hellos;
  std::vector<work::Pull> pulls;
  std::vector<work::Outcome> outcomes;
  std::vector<work::InboundMessage> inbound;
  std::vector<work::Receipt> receipts;
  bool link_up = false;
  std::atomic<bool> live = false;

 private:
  void Hear(const work::WorkRequest& request) {
    base::MutexLock lock(mutex_);
    if (request.has_pull()) pulls.push_back(request.pull());
    for (const auto& outcome : request.outcomes().outcomes()) outcomes.push_back(outcome);
    for (const auto& message : request.inbound().messages()) inbound.push_back(message);
    for (const auto& receipt : request.receipts().receipts()) receipts.push_back(receipt);
    if (request.has_link()) link_up = request.link().up();
    changed_.NotifyAll();
  }
  base::Mutex mutex_;
  base::CondVar changed_;
  WorkStream* stream_ = nullptr;
};

class WorkClientTest : public testing::Test {
 protected:
  WorkClientTest() {
    rpc::Caller caller;
    caller.principal = "principals/smpp-main";
    caller.roles = {"service"};
    caller.internal = true;
    credentials_.Add("token", caller);
    StartServer("127.0.0.1:0");
    WorkClientOptions options;
    options.connector = "smpp-main";
    options.token = "token";
    WorkEvents events;
    events.mode = [this](bool live) { modes_.Push(bool(live)); };
    events.take = [this](std::vector<Task> tasks) {
      for (auto& task : tasks) taken_.Push(std::move(task));
    };
    events.acknowledged = [this](std::vector<uint64_t> sequences) {
      acknowledged_.Push(std::move(sequences));
    };
    client_ = std::make_unique<WorkClient>(rpc::Connect("127.0.0.1:" + std::to_string(server_->port())),
                                           options, events);
    client_->SetReady(true);
    client_->Start();
  }
  ~WorkClientTest() override {
    client_->Stop();
    server_->Drain(0);
  }
  void StartServer(const std::string& address) {
    rpc::ServerOptions options;
    options.address = address;
    options.credentials = &credentials_;
    std::vector<std::unique_ptr<rpc::Service>> services;
    services.push_back(work::MakeWorkService(dispatch_));
    auto server = rpc::StartServer(options, std::move(services));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  // Sends an attempt for the newest pull that dispatch has heard of.
  void Give(const std::string& id, const std::string& life, uint64_t pull) {
    work::WorkResponse response;
    response.mutable_attempts()->set_life(life);
    response.mutable_attempts()->set_pull_number(pull);
    auto* attempt = response.mutable_attempts()->add_attempts();
    attempt->set_id(id);
    attempt->set_lease_us(10'000'000);
    attempt->set_hard_stop_us(700'000);
    dispatch_.Say(response);
  }
  // A pull may be replaced while its answer travels; then the attempt is refused and another is given.
  Task GiveUntilTaken(const std::string& prefix) {
    for (int i = 0; i < 20; ++i) {
      uint64_t newest = 0;
      EXPECT_TRUE(dispatch_.Until([&] {
        if (dispatch_.pulls.size() <= pulls_used_) return false;
        pulls_used_ = dispatch_.pulls.size();
        newest = dispatch_.pulls.back().number();
        return true;
      }));
      Give(prefix + std::to_string(i), client_->life(), newest);
      auto tasks = taken_.PopAll(1, 1'000'000);
      if (!tasks.empty()) return tasks[0];
    }
    ADD_FAILURE() << "nothing was taken";
    return {};
  }

  Dispatch dispatch_;
  rpc::Credentials credentials_;
  std::unique_ptr<rpc::Server> server_;
  base::BoundedQueue<bool> modes_{100};
  base::BoundedQueue<Task> taken_{100};
  base::BoundedQueue<std::vector<uint64_t>> acknowledged_{100};
  size_t pulls_used_ = 0;
  std::unique_ptr<WorkClient> client_;
};

TEST_F(WorkClientTest, PullsTakesAndReportsUntilAcknowledged) {
  Task task = GiveUntilTaken("a");
  EXPECT_EQ(task.use_by_us, task.pull_sent_us + 10'000'000);
  EXPECT_EQ(dispatch_.hellos[0].life(), client_->life());
  work::Outcome outcome;
  outcome.mutable_accepted()->add_provider_ids("p1");
  client_->Finish(task.attempt.id(), outcome);
  auto said = [&] {
    size_t count = 0;
    for (const auto& o : dispatch_.outcomes) count += o.id() == task.attempt.id() && o.has_accepted();
    return count;
  };
  ASSERT_TRUE(dispatch_.Until([&] { return said() >= 2; }));  // repeated
  work::WorkResponse ack;
  ack.mutable_acknowledgement()->add_outcomes(task.attempt.id());
  dispatch_.Say(ack);
  EXPECT_TRUE(dispatch_.Until([&] { return client_->open() == 0; }));
}

TEST_F(WorkClientTest, AnotherLifeIsDroppedAndADeadPullIsRefused) {
  uint64_t oldest = 0, newest = 0;
  ASSERT_TRUE(dispatch_.Until([&] {
    if (dispatch_.pulls.size() < 2) return false;
    oldest = dispatch_.pulls.front().number();
    newest = dispatch_.pulls.back().number();
    return true;
  }));
  Give("old life", std::string(16, 'O'), newest);
  Give("old pull", client_->life(), oldest);
  ASSERT_TRUE(dispatch_.Until([&] { return !dispatch_.outcomes.empty(); }));
  EXPECT_EQ(dispatch_.outcomes[0].id(), "old pull");
  EXPECT_EQ(dispatch_.outcomes[0].refused().reason(), "PULL_NOT_LIVE");
}

TEST_F(WorkClientTest, AQueryForWhatWasNeverTakenIsRefusedForEver) {
  ASSERT_TRUE(dispatch_.Until([&] { return !dispatch_.pulls.empty(); }));
  work::WorkResponse query;
  query.mutable_query()->add_ids("never");
  dispatch_.Say(query);
  ASSERT_TRUE(dispatch_.Until([&] { return !dispatch_.outcomes.empty(); }));
  EXPECT_EQ(dispatch_.outcomes[0].refused().reason(), "UNKNOWN");
}

TEST_F(WorkClientTest, MessagesAreRepeatedUntilAcknowledged) {
  work::InboundMessage message;
  message.set_text("STOP");
  auto sequence = client_->AddInbound("key", message);
  ASSERT_TRUE(sequence);
  ASSERT_TRUE(dispatch_.Until([&] { return dispatch_.inbound.size() >= 2; }));
  work::WorkResponse ack;
  ack.mutable_acknowledgement()->add_inbound(*sequence);
  dispatch_.Say(ack);
  auto told = acknowledged_.PopAll(1, kPatienceUs);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0], std::vector<uint64_t>{*sequence});
}

TEST_F(WorkClientTest, ComesBackWithTheSameLifeAndWhatIsOwed) {
  client_->SetLink(true, "bound");
  Task task = GiveUntilTaken("a");
  int port = server_->port();
  server_->Drain(0);
  server_.reset();
  work::Outcome outcome;
  outcome.mutable_no_answer()->set_reason("LINK_LOST");
  client_->Finish(task.attempt.id(), outcome);
  dispatch_.link_up = false;
  StartServer("127.0.0.1:" + std::to_string(port));
  ASSERT_TRUE(dispatch_.Until([&] { return dispatch_.hellos.size() >= 2; }));
  EXPECT_EQ(dispatch_.hellos.back().life(), client_->life());
  EXPECT_TRUE(dispatch_.Until([&] {
    return dispatch_.link_up &&
           std::any_of(dispatch_.outcomes.begin(), dispatch_.outcomes.end(),
                       [&](const auto& o) { return o.id() == task.attempt.id() && o.has_no_answer(); });
  }));
}

TEST_F(WorkClientTest, TheModeIsToldAtEveryNewStream) {
  EXPECT_EQ(modes_.PopAll(1, kPatienceUs), std::vector<bool>{false});
  dispatch_.live = true;
  std::string address = "127.0.0.1:" + std::to_string(server_->port());
  server_->Drain(0);
  server_.reset();
  StartServer(address);
  EXPECT_EQ(modes_.PopAll(1, kPatienceUs), std::vector<bool>{true});
}

}  // namespace
}  // namespace pharos::sdk
