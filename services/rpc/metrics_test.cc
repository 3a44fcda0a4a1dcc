#include "services/rpc/metrics.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::rpc {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, CountCallsByMethodAndCode) {
  CountRpc("/a.B/C", "OK", 0.004);
  CountRpc("/a.B/C", "OK", 0.004);
  const std::string text = prometheus::TextSerializer().Serialize(Metrics().Collect());
  EXPECT_THAT(text, HasSubstr("pharos_rpc_total{code=\"OK\",method=\"/a.B/C\"} 2"));
  EXPECT_THAT(text, HasSubstr("pharos_rpc_seconds_bucket{method=\"/a.B/C\",le=\"0.005\"} 2"));
}

TEST(Metrics, AreServedOnAnAddress) {
  const auto first = MetricsServer::Start("127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_GT((*first)->port(), 0);
  const auto second = MetricsServer::Start("127.0.0.1:" + std::to_string((*first)->port()));
  EXPECT_EQ(base::ReasonOf(second.status()), "PORT_IN_USE");
  EXPECT_EQ(base::ReasonOf(MetricsServer::Start("9464").status()), "ADDRESS_WRONG");
}

}  // namespace
}  // namespace pharos::rpc
