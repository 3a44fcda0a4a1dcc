#include "storage/blind_index.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::storage {
namespace {

class BlindIndexFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "pharos-index-XXXXXX";
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    file_ = folder_ + "/index.key";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_, file_;
};

// The key is fixed by how the stores are written: with another result nobody would be found again.
TEST(BlindIndex, IsHmacSha256CutTo16Bytes) {
  const BlindIndex index(std::string(32, '\x0b'));
  EXPECT_EQ(base::ToHex(index.Of("phone", "+447700900123")), "65467685b433addec10426d369e77b35");
}

TEST(BlindIndex, DependsOnKeyFieldAndValue) {
  const BlindIndex one(std::string(32, '1')), two(std::string(32, '2'));
  const std::set<std::string> all = {one.Of("phone", "a"), one.Of("email", "a"), one.Of("phone", "b"),
                                     two.Of("phone", "a"), one.Of("phon", "ea"), one.Of("", "phonea"),
                                     one.Of("phonea", "")};
  EXPECT_EQ(all.size(), 7u);
  EXPECT_EQ(one.Of("phone", "a"), one.Of("phone", "a"));
  EXPECT_EQ(one.Of("phone", "a").size(), 16u);
}

TEST_F(BlindIndexFile, IsMadeOnceAndReadAgain) {
  auto first = BlindIndex::FromFile(file_);
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = BlindIndex::FromFile(file_);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*first)->Of("phone", "a"), (*second)->Of("phone", "a"));
  struct stat facts {};
  ASSERT_EQ(stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_EQ(facts.st_size, 32);
}

TEST_F(BlindIndexFile, OfSeveralMakersOneWins) {
  std::vector<std::string> seen(8);
  std::vector<std::thread> threads;
  for (std::string& slot : seen) {
    threads.emplace_back([&] {
      auto index = BlindIndex::FromFile(file_);
      if (index.ok()) slot = (*index)->Of("phone", "a");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 1u);
  EXPECT_EQ(seen.front().size(), 16u);
}

TEST_F(BlindIndexFile, IsRefusedIfOthersCanReadIt) {
  ASSERT_TRUE(BlindIndex::FromFile(file_).ok());
  for (const mode_t mode : {0640, 0604, 0660, 0601}) {
    ASSERT_EQ(chmod(file_.c_str(), mode), 0);
    EXPECT_EQ(base::ReasonOf(BlindIndex::FromFile(file_).status()), "INDEX_KEY_OPEN_TO_OTHERS") << mode;
  }
}

TEST_F(BlindIndexFile, IsRefusedIfItIsNotAKey) {
  for (const size_t length : {0, 31, 33}) {
    std::ofstream(file_) << std::string(length, 'k');
    ASSERT_EQ(chmod(file_.c_str(), 0600), 0);
    EXPECT_EQ(base::ReasonOf(BlindIndex::FromFile(file_).status()), "INDEX_KEY_UNUSABLE") << length;
  }
}

TEST_F(BlindIndexFile, IsRefusedIfItCannotBeMade) {
  EXPECT_EQ(base::ReasonOf(BlindIndex::FromFile(folder_ + "/missing/index.key").status()),
            "INDEX_KEY_UNUSABLE");
}

}  // namespace
}  // namespace pharos::storage
