#include "services/customer/identity/partition.h"

#include <gtest/gtest.h>

namespace pharos::customer::identity {
namespace {

constexpr int32_t kBits = 1024;

TEST(PartitionTest, StrongestFirstAndNoChainThroughAHousehold) {
  Component component;
  component.size = 3;
  component.edges = {{0, 1, 20 * kBits}, {1, 2, 10 * kBits}};
  const auto groups = Partition(component, [](uint32_t a, uint32_t b) {
    return Cross{a == 0 && b == 2 ? -20 * kBits : 9 * kBits, false};
  });
  EXPECT_EQ(groups, (std::vector<uint32_t>{0, 0, 2}));
}

TEST(PartitionTest, KeepsApartWhatAPersonKeptApart) {
  Component component;
  component.size = 3;
  component.edges = {{0, 1, 20 * kBits}, {1, 2, 19 * kBits}};
  component.markers = {{{7, 0}}, {}, {{7, 1}}};
  EXPECT_EQ(Partition(component,
                      [](uint32_t, uint32_t) {
                        return Cross{kBits, false};
                      }),
            (std::vector<uint32_t>{0, 0, 2}));
}

TEST(PartitionTest, OtherNumbersOfWholeGroupsCount) {
  Component component;
  component.size = 3;
  component.edges = {{0, 1, 20 * kBits}, {1, 2, 19 * kBits}};
  component.numbers = {{"9434765919"}, {}, {"9434765870"}};
  EXPECT_EQ(Partition(component,
                      [](uint32_t, uint32_t) {
                        return Cross{kBits, false};
                      }),
            (std::vector<uint32_t>{0, 0, 2}));
}

}  // namespace
}  // namespace pharos::customer::identity
