#include "storage/witness.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "storage/open.h"

namespace pharos::storage {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kStore = "0123456789abcdef", kOther = "fedcba9876543210";

class WitnessTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "pharos-witness-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string File() const { return folder_ + "/customer.witness"; }
  auto OpenAt(uint64_t sequence, std::string_view incarnation = kStore) {
    return Witness::Open(folder_, "customer", incarnation, sequence);
  }
  std::string ReasonAt(uint64_t sequence, std::string_view incarnation = kStore) {
    return std::string(base::ReasonOf(OpenAt(sequence, incarnation).status()));
  }
  OpenOptions StoreOptions() const {
    OpenOptions options;
    options.folder = folder_ + "/store";
    options.name = "customer";
    options.settings.witness_folder = folder_;
    return options;
  }
  void Commit(const std::string& row) {
    auto store = storage::Open(StoreOptions());
    ASSERT_TRUE(store.ok()) << store.status();
    const auto status = (*store)->Transact([&](Transaction& tx) {
      tx.Put(row, row);
      return absl::OkStatus();
    });
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string folder_;
};

TEST_F(WitnessTest, AStoreThatIsAsFarOrFurtherOpens) {
  ASSERT_TRUE((*OpenAt(5))->Advance(9).ok());
  EXPECT_TRUE(OpenAt(9).ok());
  EXPECT_TRUE(OpenAt(12).ok());
  EXPECT_EQ(ReasonAt(11), "STORE_ROLLED_BACK");  // opening at 12 was noted
}

TEST_F(WitnessTest, AStoreBehindItIsRefusedWithWords) {
  ASSERT_TRUE((*OpenAt(5))->Advance(9).ok());
  const absl::Status status = OpenAt(8).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::ReasonOf(status), "STORE_ROLLED_BACK");
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(File()));
  EXPECT_EQ(ReasonAt(8), "STORE_ROLLED_BACK");  // being refused has not moved it
}

TEST_F(WitnessTest, AnotherStoreIsRefused) {
  ASSERT_TRUE(OpenAt(5).ok());
  EXPECT_EQ(ReasonAt(100, kOther), "STORE_ROLLED_BACK");
}

TEST_F(WitnessTest, ADamagedOneRefuses) {
  ASSERT_TRUE(OpenAt(5).ok());
  std::ifstream in(File(), std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(in), {});
  ASSERT_EQ(whole.size(), 36u);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] ^= 0x10;
    std::ofstream(File(), std::ios::binary) << changed;
    EXPECT_EQ(ReasonAt(100), "WITNESS_DAMAGED") << "byte " << at;
  }
}

TEST_F(WitnessTest, AFolderThatIsNotThereSaysSo) {
  EXPECT_EQ(base::ReasonOf(Witness::Open(folder_ + "/none", "customer", kStore, 1).status()),
            "WITNESS_UNUSABLE");
}

TEST_F(WitnessTest, AnOldCopyOfAStoreDoesNotStart) {
  Commit("first");
  fs::copy(folder_ + "/store", folder_ + "/old", fs::copy_options::recursive);
  Commit("second");
  fs::remove_all(folder_ + "/store");
  fs::rename(folder_ + "/old", folder_ + "/store");
  EXPECT_EQ(base::ReasonOf(storage::Open(StoreOptions()).status()), "STORE_ROLLED_BACK");
  fs::remove(File());  // accepted by hand
  auto store = storage::Open(StoreOptions());
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->Get("second")->has_value(), false);
}

TEST_F(WitnessTest, ANewEmptyStoreInThePlaceOfTheOldOneDoesNotStart) {
  Commit("first");
  fs::remove_all(folder_ + "/store");
  EXPECT_EQ(base::ReasonOf(storage::Open(StoreOptions()).status()), "STORE_ROLLED_BACK");
}

}  // namespace
}  // namespace pharos::storage
