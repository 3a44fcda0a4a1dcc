#include "services/edge/request_rate.h"

#include <gtest/gtest.h>

namespace pharos::edge {
namespace {

TEST(RequestRate, ABurstThenSoManyASecond) {
  RequestRate rate;
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) admitted += rate.Admit("192.0.2.1", 0);
  EXPECT_EQ(admitted, static_cast<int>(RequestRate::kBurst));
  EXPECT_TRUE(rate.Admit("192.0.2.2", 0)) << "another address has its own";
  for (int i = 0; i < 1000; ++i) admitted += rate.Admit("192.0.2.1", 1'000'000);
  EXPECT_EQ(admitted, static_cast<int>(RequestRate::kBurst + RequestRate::kPerSecond));
}

TEST(RequestRate, RemembersABoundedNumberOfAddresses) {
  RequestRate rate;
  for (size_t i = 0; i < 3 * RequestRate::kMostAddresses; ++i) {
    ASSERT_TRUE(rate.Admit("2001:db8::" + std::to_string(i), 0));
    ASSERT_LE(rate.size(), RequestRate::kMostAddresses);
  }
}

}  // namespace
}  // namespace pharos::edge
