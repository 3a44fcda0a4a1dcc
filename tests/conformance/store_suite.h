// What every engine behind storage/store.h must do. An engine's test program links store_suite.cc and names
// the engine:
//   INSTANTIATE_TEST_SUITE_P(RocksDb, StoreSuite, testing::Values(EngineUnderTest{"RocksDb", storage::Open}),
//   EngineName);
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "storage/open.h"

namespace pharos::tests {

struct EngineUnderTest {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<storage::Store>>(const storage::OpenOptions&)> open;
};

inline void PrintTo(const EngineUnderTest& engine, std::ostream* out) {
  *out << engine.name;
}
inline std::string EngineName(const testing::TestParamInfo<EngineUnderTest>& info) {
  return info.param.name;
}

// Gives each test a folder of its own and a store in it, on disk: what is promised is promised for real
// files.
class StoreSuite : public testing::TestWithParam<EngineUnderTest> {
 protected:
  void SetUp() override;
  void TearDown() override;

  void Reopen();
  absl::StatusOr<std::unique_ptr<storage::Store>> TryOpen(uint32_t format);
  storage::Store& store() { return *store_; }
  void Put(const std::string& key, const std::string& value);
  void Append(const std::string& entry);
  std::string Get(const std::string& key);  // "-" if nothing is there

  std::string folder_;
  std::unique_ptr<storage::Store> store_;
};

}  // namespace pharos::tests
