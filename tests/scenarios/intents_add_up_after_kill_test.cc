// Promises 2 and 3: every intent is in exactly one state at every instant, the numbers add up after any
// crash, and a message whose hand-over is in doubt is UNCONFIRMED, never sent again. Made true by
// services/dispatch/intent_store.cc (state and counters in one commit), services/dispatch/desk_handover.cc
// (SUBMITTING is durable before anything leaves), services/dispatch/desk_doubt.cc (restarts),
// services/dispatch/desk_outcome.cc (what settles a doubt) and services/campaign/launch_loop.cc (planning
// goes on where it was).
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

constexpr int kPeople = 1200;
constexpr char kCampaign[] = "quit";

class IntentsAddUp : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf(kPeople));
  }

  // The report, held to its equations.
  campaign::v1::Report Look() {
    const campaign::v1::Report report = story_.Report(kCampaign);
    ExpectItAddsUp(report);
    EXPECT_EQ(report.members(), kPeople);
    ++looks_;
    return report;
  }

  // Until the network has `more` messages more, or the campaign is over.
  void LookUntil(int more) {
    const int enough = CountSubmissions(system_.journal()) + more;
    Eventually([&] {
      return Look().state() == campaign::v1::FINISHED || CountSubmissions(system_.journal()) >= enough;
    });
  }

  System system_{{.window = 16, .fail_percent = 2}};
  Story story_{system_};
  int looks_ = 0;
};

TEST_F(IntentsAddUp, AtEveryInstantOfARunWithKills) {
  EXPECT_EQ(story_.Run(kCampaign).members(), kPeople);
  for (int kill = 0; kill < 6; ++kill) {
    LookUntil(120);
    if (kill % 3 == 2) {
      system_.smpp().Kill();
      system_.smpp().Start();
    } else {
      system_.KillAndRestartPharosd();
    }
  }
  EXPECT_TRUE(Eventually([&] { return Look().state() == campaign::v1::FINISHED; }, 20));
  // Receipts that settle doubts may come last of all.
  Eventually([&] { return Look().sent() == 0; }, 3);
  const campaign::v1::Report report = Look();
  EXPECT_EQ(report.intents(), kPeople);
  EXPECT_EQ(report.pending() + report.in_flight(), 0);
  EXPECT_GT(report.delivered(), kPeople * 9 / 10);
  EXPECT_LE(report.unconfirmed(), system_.window() * system_.kills());

  const Network network = ReadNetwork(system_.journal());
  EXPECT_EQ(network.Duplicates(), 0);
  ExpectNetworkAgrees(story_, kCampaign, network, kPeople);
  fmt::print("looked {} times, kills {}, unconfirmed {}, failed {}\n", looks_, system_.kills(),
             report.unconfirmed(), Total(report.failed()));
}

TEST_F(IntentsAddUp, WhenTheServicesDieWhileThePlanIsWritten) {
  story_.Draft(kCampaign);
  story_.Approve(story_.Submit(kCampaign));
  story_.Launch(kCampaign);
  system_.KillAndRestartPharosd();  // at once: the plan has hardly begun
  Look();
  EXPECT_TRUE(Eventually([&] { return Look().state() == campaign::v1::FINISHED; }, 20));
  const campaign::v1::Report report = Look();
  EXPECT_EQ(report.intents(), kPeople);
  EXPECT_EQ(ReadNetwork(system_.journal()).Duplicates(), 0);
}

TEST_F(IntentsAddUp, WhenACampaignIsStoppedHalfWay) {
  EXPECT_EQ(story_.Run(kCampaign).members(), kPeople);
  EXPECT_TRUE(Eventually([&] { return Look().intents() == kPeople; }));
  campaign::v1::StopCampaignRequest request;
  request.set_name(fmt::format("campaigns/{}", kCampaign));
  const auto stopped = Must(story_.marketing.Call<campaign::v1::StopCampaignResponse>(
      "campaign.v1.CampaignService/StopCampaign", request));
  EXPECT_EQ(stopped.left() + stopped.in_flight() + stopped.not_sent(), kPeople);
  EXPECT_TRUE(Eventually([&] {
    const auto report = Look();
    return report.pending() + report.in_flight() + report.sent() == 0;
  }));
  const campaign::v1::Report report = Look();
  EXPECT_EQ(report.intents(), kPeople);
  // The truth at the stop: what it said will not go did not; what was in flight then ended either way.
  EXPECT_GE(Total(report.withheld()), stopped.not_sent());
  EXPECT_LE(Total(report.withheld()), stopped.not_sent() + stopped.in_flight());
  ExpectNetworkAgrees(story_, kCampaign, ReadNetwork(system_.journal()), kPeople);
}

}  // namespace
}  // namespace pharos::tests
