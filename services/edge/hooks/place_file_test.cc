#include "services/edge/hooks/place_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "services/base/errors.h"
#include "services/base/ids.h"

namespace pharos::edge::hooks {
namespace {

constexpr int64_t kNow = 1'790'000'000'000'000;
const EventForm kForm{Feed::kConsent, Payload::kThin, "agreements/leeds"};

class PlaceFileTest : public ::testing::Test {
 protected:
  ~PlaceFileTest() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<PlaceFile> Open(const EventForm& form = kForm) {
    auto file = PlaceFile::Open(folder_ + "/webhooks", "leeds", form, kNow);
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }
  std::string path() const { return folder_ + "/webhooks/leeds"; }

  const std::string folder_ = testing::TempDir() + "place-" + base::ToHex(base::RandomBytes16());
};

TEST_F(PlaceFileTest, BeginsWithEverybodyAndRemembersWhereItWas) {
  std::string run;
  {
    const auto file = Open();
    run = file->place().run;
    EXPECT_FALSE(run.empty());
    EXPECT_EQ(file->place().cursor, "");
    ASSERT_TRUE(file->MoveTo("0a0b").ok());
    EXPECT_EQ(file->place().cursor, "0a0b");
  }
  const auto again = Open();
  EXPECT_EQ(again->place().run, run);
  EXPECT_EQ(again->place().cursor, "0a0b");
}

TEST_F(PlaceFileTest, ARunThatHasNotMovedIsTheSameRunAfterARestart) {
  const std::string run = Open()->place().run;
  EXPECT_EQ(Open()->place().run, run);
}

TEST_F(PlaceFileTest, BeginsAnewAsAnotherRun) {
  const auto file = Open();
  const std::string run = file->place().run;
  ASSERT_TRUE(file->MoveTo("0a0b").ok());
  ASSERT_TRUE(file->BeginAnew(kNow).ok());
  EXPECT_NE(file->place().run, run);
  EXPECT_EQ(file->place().cursor, "");
}

TEST_F(PlaceFileTest, ACursorOfAnotherFeedOrAgreementIsNotUsed) {
  for (const EventForm& other : {EventForm{Feed::kChanges, Payload::kThin, "agreements/leeds"},
                                 EventForm{Feed::kConsent, Payload::kThin, "agreements/york"}}) {
    ASSERT_TRUE(Open()->MoveTo("0a0b").ok());
    EXPECT_EQ(Open(other)->place().cursor, "");
  }
}

TEST_F(PlaceFileTest, ADamagedFileBeginsAnew) {
  ASSERT_TRUE(Open()->MoveTo("0a0b").ok());
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) - 3);
  EXPECT_EQ(Open()->place().cursor, "");
}

TEST_F(PlaceFileTest, IsOneProcessesAtATime) {
  const auto file = Open();
  EXPECT_EQ(base::ReasonOf(PlaceFile::Open(folder_ + "/webhooks", "leeds", kForm, kNow).status()),
            "WEBHOOK_TAKEN");
  EXPECT_TRUE(PlaceFile::Open(folder_ + "/webhooks", "york", kForm, kNow).ok());
}

TEST_F(PlaceFileTest, OnlyItsOwnerReadsIt) {
  const auto file = Open();
  struct stat info {};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 077, 0u);
}

TEST_F(PlaceFileTest, WhatTheDiskRefusesDidNotHappen) {
  const auto file = Open();
  ASSERT_TRUE(file->MoveTo("0a0b").ok());
  std::filesystem::remove_all(folder_);
  EXPECT_EQ(base::ReasonOf(file->MoveTo("0c0d")), "PLACE_UNWRITABLE");
  EXPECT_EQ(file->place().cursor, "0a0b");
}

}  // namespace
}  // namespace pharos::edge::hooks
