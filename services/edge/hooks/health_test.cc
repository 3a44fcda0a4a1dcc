#include "services/edge/hooks/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <functional>

#include "services/base/fake_clock.h"
#include "services/rpc/metrics.h"

namespace pharos::edge::hooks {
namespace {

using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000;

// The value of a metric of this webhook, as Prometheus would read it; -1 = there is none.
double ValueOf(const std::string& family, const std::string& webhook, const std::string& result = "") {
  for (const auto& one : rpc::Metrics().Collect()) {
    if (one.name != family) continue;
    for (const auto& metric : one.metric) {
      bool its = false, wanted = result.empty();
      for (const auto& label : metric.label) {
        its = its || (label.name == "webhook" && label.value == webhook);
        wanted = wanted || (label.name == "result" && label.value == result);
      }
      if (its && wanted)
        return one.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
    }
  }
  return -1;
}

Trouble Away(int failures) {
  return {"RECEIVER", "STATUS", 503, failures, 2 * kSecond};
}

TEST(Health, CountsAndSaysHowFarBehindItIs) {
  base::FakeClock clock;
  Health health("counted", clock);
  EXPECT_EQ(ValueOf("pharos_edge_webhook_up", "counted"), 1);
  health.Behind();
  clock.Advance(5 * kSecond);
  health.Failed(Away(1));
  EXPECT_EQ(ValueOf("pharos_edge_webhook_up", "counted"), 0);
  EXPECT_EQ(ValueOf("pharos_edge_webhook_behind_seconds", "counted"), 5);
  EXPECT_EQ(ValueOf("pharos_edge_webhook_posts_total", "counted", "failed"), 1);
  clock.Advance(kSecond);
  health.Tick();
  EXPECT_EQ(ValueOf("pharos_edge_webhook_behind_seconds", "counted"), 6);
  health.Accepted();
  health.CaughtUp();
  EXPECT_EQ(ValueOf("pharos_edge_webhook_up", "counted"), 1);
  EXPECT_EQ(ValueOf("pharos_edge_webhook_behind_seconds", "counted"), 0);
  EXPECT_EQ(ValueOf("pharos_edge_webhook_posts_total", "counted", "accepted"), 1);
}

TEST(Health, ATroubleOfOursIsNoPostThatFailed) {
  base::FakeClock clock;
  Health health("ours", clock);
  health.Failed({"FEED", "AGREEMENT_ENDED", 0, 1, kSecond});
  EXPECT_EQ(ValueOf("pharos_edge_webhook_posts_total", "ours", "failed"), 0);
  EXPECT_EQ(ValueOf("pharos_edge_webhook_up", "ours"), 0);
}

TEST(Health, TheLogNamesAWebhookThatStandsStillAndOneThatGoesOn) {
  base::FakeClock clock;
  Health health("leeds", clock);
  const auto said = [&](const std::function<void()>& happens) {
    testing::internal::CaptureStderr();
    happens();
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(said([&] { health.Failed(Away(1)); }), "");
  EXPECT_EQ(said([&] { health.CaughtUp(); }), "") << "a hiccup";
  const std::string still = said([&] { health.Failed(Away(Health::kTellFailures)); });
  EXPECT_THAT(still, HasSubstr("edge.webhook_stands_still"));
  EXPECT_THAT(still, HasSubstr("\"webhook\":\"leeds\""));
  EXPECT_THAT(still, HasSubstr("503"));
  EXPECT_EQ(said([&] { health.Failed(Away(4)); }), "") << "not at each attempt";
  clock.Advance(Health::kTellMicros);
  EXPECT_THAT(said([&] { health.Failed(Away(5)); }), HasSubstr("edge.webhook_stands_still"));
  EXPECT_THAT(said([&] { health.CaughtUp(); }), HasSubstr("edge.webhook_goes_on"));
  EXPECT_THAT(said([&] { health.Gone(); }), HasSubstr("edge.webhook_off"));
}

}  // namespace
}  // namespace pharos::edge::hooks
