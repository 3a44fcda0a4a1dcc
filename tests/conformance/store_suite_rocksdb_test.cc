#include "tests/conformance/store_suite.h"

namespace pharos::tests {

absl::StatusOr<std::unique_ptr<storage::Store>> OpenInMemory(const storage::OpenOptions& options) {
  storage::OpenOptions in_memory = options;
  in_memory.in_memory = true;
  return storage::Open(in_memory);
}

INSTANTIATE_TEST_SUITE_P(Engines, StoreSuite, testing::Values(EngineUnderTest{"RocksDb", storage::Open}),
                         EngineName);

TEST(StoreInMemory, ForgetsWhenClosedAndShadesNothing) {
  storage::OpenOptions options;
  options.name = "memory";
  for (int round = 0; round < 2; ++round) {
    auto store = OpenInMemory(options);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_FALSE((*store)->Get("a")->has_value());
    ASSERT_TRUE((*store)
                    ->Transact([](storage::Transaction& tx) {
                      tx.Put("a", "1");
                      tx.AppendChange("x");
                      return absl::OkStatus();
                    })
                    .ok());
    EXPECT_EQ((*store)->Get("a")->value(), "1");
    EXPECT_EQ((*store)->LastPosition(), 1u);
  }
}

TEST(StoreInMemory, TwoStoresDoNotMeet) {
  storage::OpenOptions options;
  options.name = "memory";
  auto one = OpenInMemory(options), two = OpenInMemory(options);
  ASSERT_TRUE(one.ok() && two.ok());
  ASSERT_TRUE((*one)
                  ->Transact([](storage::Transaction& tx) {
                    tx.Put("a", "1");
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_FALSE((*two)->Get("a")->has_value());
}

}  // namespace pharos::tests
