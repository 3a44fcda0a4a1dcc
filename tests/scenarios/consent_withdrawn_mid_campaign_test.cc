// Promise 1, "STOP means stop": once an opt-out is acknowledged, no message it covers is handed over. Made
// true by services/customer/opt_out.cc (commit, then wait), services/customer/permit_table.cc (what to wait
// for), services/dispatch/desk_handover.cc (a permit before every message), connectors/sdk/work_book.cc
// (use-by) and connectors/sdk/hard_stop.cc (nothing after it, even from a stopped process).
//
// Measured as the permit protocol says: a message counts when the kernel received its completing byte, an
// opt-out when its caller has read the answer. Tolerance: none.
#include <fmt/format.h>
#include <unistd.h>

#include <random>
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "pharos/customer/v1/endpoint_service.pb.h"
#include "services/base/mutex.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

constexpr int kPeople = 1500;
constexpr int64_t kBoundNs = 2'500'000'000;      // D, and half a second for everything else
constexpr int64_t kLastReplyNs = 2'200'000'000;  // people reply within two seconds of their message
constexpr char kCampaign[] = "quit";

struct OptOut {
  std::string number;
  int way = 0;
  int64_t durable_ns = 0;  // at the earliest
  int64_t acknowledged_ns = 0;
};

class ConsentWithdrawnMidCampaign : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf(kPeople));
    number_of_ = story_.NumbersOf(kPeople);
    EXPECT_EQ(story_.Run(kCampaign).members(), kPeople);
    serving_ns_.push_back(system_.serving_since_ns());
  }
  void TearDown() override { Join(); }
  void Join() {
    for (auto& thread : callers_) thread.join();
    callers_.clear();
  }

  // Until the network has `more` messages more.
  void Flow(int more) {
    const int enough = CountSubmissions(system_.journal()) + more;
    EXPECT_TRUE(Eventually([&] { return CountSubmissions(system_.journal()) >= enough; }, 8))
        << "the campaign was over too soon";
    // Not in step with anything: within a message or between two.
    std::this_thread::sleep_for(
        std::chrono::microseconds(std::uniform_int_distribution<int>(0, 5'000)(random_)));
  }

  // Stops the connector while it has messages in its hands; between two of them it would show nothing.
  void PauseConnectorMidHandOver() {
    for (int attempt = 0; attempt < 20; ++attempt) {
      system_.smpp().Pause();
      if (Eventually([&] { return !story_.Intents(kCampaign, dispatch::v1::IN_FLIGHT).empty(); }, 0.3))
        return;
      system_.smpp().Resume();
      Flow(1);
    }
    ADD_FAILURE() << "the connector never had a message in its hands";
  }

  // Stops the network while it owes answers; those that it had already written may arrive a moment later.
  void PauseProviderMidHandOver() {
    const auto unanswered = [&] { return story_.Intents(kCampaign, dispatch::v1::IN_FLIGHT).size() > 4; };
    for (int attempt = 0; attempt < 20; ++attempt) {
      system_.sandbox().Pause();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (Eventually(unanswered, 0.5)) return;
      system_.sandbox().Resume();
      Flow(1);
    }
    ADD_FAILURE() << "the network never owed an answer";
  }

  // Everybody whose message is on its way right now says stop, and some whose turn is next; in three ways, at
  // once.
  void StopThoseWhoAreNext() {
    std::vector<dispatch::v1::Intent> next = story_.Intents(kCampaign, dispatch::v1::IN_FLIGHT);
    in_flight_ += static_cast<int>(next.size());
    const auto pending = story_.Intents(kCampaign, dispatch::v1::PENDING);
    for (size_t i = 0; i < std::min<size_t>(pending.size(), 48); i += 6) next.push_back(pending[i]);
    for (const auto& intent : next) {
      if (!asked_.insert(intent.endpoint()).second) continue;
      callers_.emplace_back([this, intent, way = static_cast<int>(asked_.size()) % 3] { Stop(intent, way); });
    }
  }

  void Stop(const dispatch::v1::Intent& intent, int way) {
    OptOut told{number_of_.at(intent.endpoint()), way, WallNanos(), 0};
    if (way == 2) {
      customer::v1::SuppressEndpointRequest request;
      request.set_endpoint(intent.endpoint());
      request.set_reason(type::v1::COMPLAINT);
      Must(story_.governance.Call<customer::v1::SuppressEndpointResponse>(
          "customer.v1.EndpointService/SuppressEndpoint", request));
    } else {
      Must(story_.Withdraw(intent.person(), way == 0 ? type::v1::SCOPE_PURPOSE : type::v1::SCOPE_EVERYTHING));
    }
    told.acknowledged_ns = WallNanos();
    base::MutexLock lock(mutex_);
    opt_outs_.push_back(told);
  }

  // Every STOP that a phone sent is heard, and acknowledged.
  void CollectReplies() {
    const auto last_message = [&] {
      int64_t last = 0;
      for (const Submission& message : ReadNetwork(system_.journal()).accepted)
        last = std::max(last, message.t_ns);
      return last;
    };
    EXPECT_TRUE(Eventually([&] { return WallNanos() > last_message() + kLastReplyNs; }));
    const auto replied = ReadNetwork(system_.journal()).stop_replies;
    std::map<std::string, int64_t> heard;
    EXPECT_TRUE(Eventually([&] {
      for (const auto& reply : story_.Replies()) {
        if (reply.acknowledged_time_ns() > 0)
          heard.emplace(number_of_[reply.endpoint()], reply.acknowledged_time_ns());
      }
      return heard.size() >= replied.size();
    })) << heard.size()
        << " of " << replied.size() << " replies were heard";
    for (const auto& [number, when] : replied) {
      EXPECT_TRUE(heard.contains(number)) << number << " replied STOP and was not heard";
      if (heard.contains(number)) opt_outs_.push_back({number, 3, 0, heard[number]});
    }
  }

  // From the later of commit and customer's last start before the answer.
  int64_t WaitOf(const OptOut& told) const {
    int64_t from = told.durable_ns;
    for (const int64_t start : serving_ns_) {
      if (start < told.acknowledged_ns) from = std::max(from, start);
    }
    return told.acknowledged_ns - from;
  }

  // Nothing after an acknowledgement, each within the bound, and all the numbers.
  void Check() {
    EXPECT_TRUE(story_.Finished(kCampaign));
    Join();
    const size_t by_call = opt_outs_.size();
    EXPECT_EQ(by_call, asked_.size());
    CollectReplies();
    EXPECT_GT(opt_outs_.size(), by_call) << "nobody replied STOP";
    const Network network = ReadNetwork(system_.journal());
    int spared = 0;
    for (const OptOut& told : opt_outs_) {
      if (told.way != 3) longest_wait_ns_ = std::max(longest_wait_ns_, WaitOf(told));
      for (const Submission& message : network.accepted) {
        if (message.number != told.number || message.confirmation) continue;
        EXPECT_LE(message.t_ns, told.acknowledged_ns)
            << told.number << " got a message " << (message.t_ns - told.acknowledged_ns) / 1000
            << " us after its opt-out (way " << told.way << ") was acknowledged";
      }
      spared += network.MessagesTo(told.number) == 0;
    }
    EXPECT_GT(spared, 0) << "the opt-outs came too late to show anything";
    EXPECT_LE(longest_wait_ns_, kBoundNs);
    EXPECT_EQ(network.Duplicates(), 0);
    ExpectItAddsUp(story_.Report(kCampaign));
    ExpectNetworkAgrees(story_, kCampaign, network, kPeople);
    fmt::print(
        "{} opt-outs by call, {} of them with a message in flight, {} by reply; {} spared a message; longest "
        "wait {} ms; "
        "{} kills, {} of them hard stops\n",
        by_call, in_flight_, opt_outs_.size() - by_call, spared, longest_wait_ns_ / 1'000'000,
        system_.kills(), system_.hard_stops());
  }

  // So slow that the campaign outlasts every disturbance.
  System system_{{.window = 8, .per_second = 250, .stop_percent = 4}};
  Story story_{system_};
  std::mt19937 random_{std::random_device{}()};
  std::map<std::string, std::string> number_of_;  // endpoint → number
  std::vector<int64_t> serving_ns_;               // each start of pharosd
  std::set<std::string> asked_;                   // endpoints
  int in_flight_ = 0;
  std::vector<std::thread> callers_;
  base::Mutex mutex_;
  std::vector<OptOut> opt_outs_;
  int64_t longest_wait_ns_ = 0;
};

TEST_F(ConsentWithdrawnMidCampaign, NothingFollowsAnAcknowledgedOptOut) {
  for (int round = 0; round < 8; ++round) {
    Flow(100);
    StopThoseWhoAreNext();
  }
  Check();
}

TEST_F(ConsentWithdrawnMidCampaign, NorFromAConnectorThatWasStoppedAndGoesOn) {
  for (const int stopped_ms : {100, 3000, 700, 1300, 2200}) {
    Flow(150);
    PauseConnectorMidHandOver();
    StopThoseWhoAreNext();
    std::this_thread::sleep_for(std::chrono::milliseconds(stopped_ms));  // the disturbance itself
    system_.smpp().Resume();
    usleep(1000);
    system_.EnsureConnector();
  }
  Check();
  EXPECT_GT(longest_wait_ns_, 500'000'000) << "no opt-out met a message in a stopped connector's hands";
}

TEST_F(ConsentWithdrawnMidCampaign, NorWhileTheProviderDoesNotAnswer) {
  for (const int stopped_ms : {2500, 2200}) {
    Flow(200);
    PauseProviderMidHandOver();
    StopThoseWhoAreNext();
    std::this_thread::sleep_for(std::chrono::milliseconds(stopped_ms));
    system_.sandbox().Resume();
    system_.EnsureConnector();
  }
  Check();
  EXPECT_GT(longest_wait_ns_, 500'000'000) << "no opt-out met a message without an answer";
}

TEST_F(ConsentWithdrawnMidCampaign, NorAcrossTheDeathOfTheServices) {
  for (int kill = 0; kill < 2; ++kill) {
    Flow(200);
    StopThoseWhoAreNext();
    system_.KillAndRestartPharosd();  // with the calls on their way: they are repeated
    serving_ns_.push_back(system_.serving_since_ns());
  }
  Check();
}

}  // namespace
}  // namespace pharos::tests
