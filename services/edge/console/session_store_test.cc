#include "services/edge/console/session_store.h"

#include <gmock/gmock.h>

#include <vector>

#include "services/base/fake_clock.h"

namespace pharos::edge::console {
namespace {

Session Of(const char* principal) {
  Session session;
  session.principal = principal;
  return session;
}

class SessionStoreTest : public ::testing::Test {
 protected:
  base::FakeClock clock_;
  SessionStore store_{clock_};
};

TEST_F(SessionStoreTest, EachSessionHasItsOwnCookieAndFormWord) {
  const std::string ann = store_.Begin(Of("principals/ann")), bob = store_.Begin(Of("principals/bob"));
  EXPECT_EQ(ann.size(), 64u);
  EXPECT_NE(ann, bob);
  EXPECT_EQ(store_.Find(ann)->principal, "principals/ann");
  EXPECT_NE(store_.Find(ann)->csrf, store_.Find(bob)->csrf);
  EXPECT_EQ(store_.Find("somebody else's"), nullptr);
  EXPECT_EQ(store_.Find(""), nullptr);
}

TEST_F(SessionStoreTest, ListensInAFewPlacesOnly) {
  const std::string ann = store_.Begin(Of("principals/ann")), bob = store_.Begin(Of("principals/bob"));
  std::vector<std::shared_ptr<const void>> places;
  for (long i = 0; i < SessionStore::kMostStreams; ++i) {
    places.push_back(store_.Listen(ann));
    ASSERT_NE(places.back(), nullptr);
  }
  EXPECT_EQ(store_.Listen(ann), nullptr);
  EXPECT_NE(store_.Listen(bob), nullptr);
  places.pop_back();
  EXPECT_NE(store_.Listen(ann), nullptr);
  EXPECT_EQ(store_.Listen("somebody else's"), nullptr);
}

TEST_F(SessionStoreTest, EndsWhenIdle) {
  const std::string id = store_.Begin(Of("principals/ann"));
  clock_.Advance(SessionStore::kIdleUs);
  EXPECT_NE(store_.Find(id), nullptr) << "and that is a sign of life";
  clock_.Advance(SessionStore::kIdleUs);
  EXPECT_NE(store_.Find(id), nullptr);
  clock_.Advance(SessionStore::kIdleUs + 1);
  EXPECT_EQ(store_.Find(id), nullptr);
}

TEST_F(SessionStoreTest, EndsAfterAWorkingDayHoweverBusy) {
  const std::string id = store_.Begin(Of("principals/ann"));
  for (int64_t us = 0; us < SessionStore::kLongestUs; us += SessionStore::kIdleUs) {
    ASSERT_NE(store_.Find(id), nullptr);
    clock_.Advance(SessionStore::kIdleUs);
  }
  EXPECT_NE(store_.Find(id), nullptr);
  clock_.Advance(1);
  EXPECT_EQ(store_.Find(id), nullptr);
}

TEST_F(SessionStoreTest, WithoutRoomTheLongestIdleGoes) {
  const std::string first = store_.Begin(Of("principals/first"));
  clock_.Advance(1);
  const std::string second = store_.Begin(Of("principals/second"));
  clock_.Advance(1);
  ASSERT_NE(store_.Find(first), nullptr);  // seen after the second
  clock_.Advance(1);
  for (size_t i = 2; i <= SessionStore::kMost; ++i) store_.Begin(Of("principals/other"));
  EXPECT_EQ(store_.Find(second), nullptr);
  EXPECT_NE(store_.Find(first), nullptr);
}

TEST_F(SessionStoreTest, PurposeStaysUntilItIsChanged) {
  const std::string id = store_.Begin(Of("principals/ann"));
  const auto before = store_.Find(id);
  store_.SetPurpose(id, "purposes/complaints");
  EXPECT_EQ(store_.Find(id)->purpose, "purposes/complaints");
  EXPECT_EQ(store_.Find(id)->csrf, before->csrf);
  EXPECT_EQ(before->purpose, "") << "what a page holds does not change under it";
}

TEST_F(SessionStoreTest, NoticeIsShownOnce) {
  const std::string id = store_.Begin(Of("principals/ann"));
  store_.SetNotice(id, "Saved.");
  EXPECT_EQ(store_.TakeNotice(id), "Saved.");
  EXPECT_EQ(store_.TakeNotice(id), "");
}

TEST_F(SessionStoreTest, SignedOutIsOver) {
  const std::string id = store_.Begin(Of("principals/ann"));
  store_.End(id);
  EXPECT_EQ(store_.Find(id), nullptr);
}

TEST_F(SessionStoreTest, KeepsTheLastUploadOfASessionAndFewAltogether) {
  std::vector<std::string> ids;
  for (size_t i = 0; i <= SessionStore::kMostUploads; ++i) {
    ids.push_back(store_.Begin(Of("principals/ann")));
    auto upload = std::make_shared<Upload>();
    upload->name = std::to_string(i);
    store_.KeepUpload(ids.back(), upload);
    clock_.Advance(1);
  }
  EXPECT_EQ(store_.FindUpload(ids[0]), nullptr) << "the oldest made room";
  for (size_t i = 1; i < ids.size(); ++i) EXPECT_EQ(store_.FindUpload(ids[i])->name, std::to_string(i));
  store_.End(ids[1]);
  EXPECT_EQ(store_.FindUpload(ids[1]), nullptr);
}

}  // namespace
}  // namespace pharos::edge::console
