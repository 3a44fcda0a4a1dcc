// Questions about earlier days: a checkpoint of each day, kept for four weeks, read on demand, one at a time;
// without those who are gone since; and the guard compares with today.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "services/audience/answers.h"
#include "services/audience/checkpoint.h"
#include "services/audience/checkpoint_fixture.h"
#include "services/audience/snapshot_shelf.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"

namespace pharos::audience {
namespace {

using customer::internal::v1::FollowPeopleResponse;
using testing::HasSubstr;
using v1::Figure;

constexpr int64_t kDayUs = 24ll * 3600 * 1'000'000;
constexpr int64_t kPatienceUs = 10'000'000;

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    shelf_.SetKeys(keys_);
    for (int n = 0; n < 100; ++n) Bring(n, "Leeds");
  }
  ~SnapshotTest() override { std::filesystem::remove_all(folder_); }

  void Bring(int n, const std::string& area, const std::vector<int>& former = {}) {
    FollowPeopleResponse response;
    auto& person = *response.add_people();
    person.set_person(NameOf(n));
    (*person.mutable_fields())["area"] = area;
    (*person.mutable_fields())["date_of_birth"] = "2008-09-23";  // 18 on the second day
    for (const int each : former) person.add_former_names(NameOf(each));
    response.set_cursor(++position_);
    live_->Apply(response);
  }
  void TakeAway(int n) {
    FollowPeopleResponse response;
    response.add_people()->set_person(NameOf(n));
    response.mutable_people(0)->set_gone(true);
    response.set_cursor(++position_);
    live_->Apply(response);
  }
  static std::string NameOf(int n) { return "people/" + std::string(23, '0') + std::to_string(100 + n); }

  // As the keeper does once a day; when.
  int64_t Keep() {
    const int64_t now_us = clock_.WallMicros();
    EXPECT_TRUE(shelf_.Due());
    EXPECT_TRUE(checkpoint_.Save(*live_).ok());
    EXPECT_TRUE(shelf_.Keep(checkpoint_.file(), now_us).ok());
    EXPECT_FALSE(shelf_.Due());
    return now_us;
  }
  absl::StatusOr<v1::CountAudienceResponse> Count(const std::string& filter, int64_t as_of_us,
                                                  const Listener& listener = {}) {
    v1::CountAudienceRequest request;
    request.set_filter(filter);
    request.set_as_of_time_us(as_of_us);
    v1::CountAudienceResponse response;
    const absl::Status status = answers_.Count(request, listener, kPatienceUs, response);
    if (!status.ok()) return status;
    return response;
  }
  int64_t Matched(const std::string& filter, int64_t as_of_us) {
    const auto count = Count(filter, as_of_us);
    EXPECT_TRUE(count.ok()) << count.status();
    return count.ok() ? count->matched() : -1;
  }

  const std::string folder_ = testing::TempDir() + "audience_snapshot_test";
  base::FakeClock clock_;  // 2026-09-21T14:13:20Z
  const std::shared_ptr<storage::KeyRing> keys_ =
      std::make_shared<storage::KeyRing>(std::make_unique<GuessableKeys>());
  const std::unique_ptr<PeopleIndex> live_ = PeopleIndex::New();
  const Checkpoint checkpoint_{folder_, *keys_};
  SnapshotShelf shelf_{folder_, *live_, clock_};
  const Answers answers_{*live_,
                         [this](bool, int64_t) -> absl::StatusOr<Freshness> {
                           return Freshness{position_, {}, {}};
                         },
                         clock_, &shelf_};
  uint64_t position_ = 0;
};

TEST_F(SnapshotTest, AnswersAsPeopleWereThenAndSaysWhenThatWas) {
  const int64_t monday_us = Keep();
  clock_.Advance(kDayUs);
  for (int n = 0; n < 30; ++n) Bring(n, "York");
  const int64_t tuesday_us = Keep();
  clock_.Advance(kDayUs);
  for (int n = 0; n < 50; ++n) Bring(n, "Hull");

  EXPECT_EQ(Matched("area = Leeds", monday_us), 100);
  EXPECT_EQ(Matched("area = Leeds", tuesday_us), 70);
  EXPECT_EQ(Matched("area = Leeds", 0), 50);
  // The newest at or before; ages are those of that day.
  const auto between = Count("age < 18", tuesday_us - 1);
  ASSERT_TRUE(between.ok()) << between.status();
  EXPECT_EQ(between->as_of_time_us(), monday_us);
  EXPECT_EQ(between->matched(), 100);
  EXPECT_EQ(Count("age < 18", tuesday_us + 3)->as_of_time_us(), tuesday_us);
  EXPECT_EQ(Matched("age < 18", 0), 0);
  EXPECT_EQ(Count("", 0)->as_of_time_us(), 0);
}

TEST_F(SnapshotTest, TablesToo) {
  for (int n = 0; n < 30; ++n) Bring(n, "York");
  const int64_t then_us = Keep();
  for (int n = 0; n < 100; ++n) Bring(n, "Hull");
  v1::BreakDownAudienceRequest request;
  request.set_filter("");
  request.add_dimensions()->set_field("area");
  request.set_as_of_time_us(then_us);
  v1::BreakDownAudienceResponse response;
  const absl::Status status = answers_.BreakDown(request, Listener(), kPatienceUs, response);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(response.cells_size(), 2);
  EXPECT_EQ(response.cells(0).people().value(), 70);
  EXPECT_EQ(response.cells(1).people().value(), 30);
  EXPECT_EQ(response.as_of_time_us(), then_us);
}

TEST_F(SnapshotTest, BeforeTheFirstTheErrorNamesTheOldest) {
  const auto none = Count("", clock_.WallMicros());
  EXPECT_EQ(base::ReasonOf(none.status()), "SNAPSHOT_NOT_KEPT");
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("no snapshot has been taken yet"));
  const int64_t first_us = Keep();
  const auto before = Count("", first_us - 1);
  EXPECT_EQ(before.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(before.status().message()), HasSubstr("the oldest is of 2026-09-21T14:13:20Z"));
  EXPECT_EQ(base::ReasonOf(Count("", clock_.WallMicros() + 1).status()), "AS_OF_IN_FUTURE");
}

TEST_F(SnapshotTest, IsKeptForFourWeeks) {
  const int64_t first_us = Keep();
  for (int day = 1; day <= 40; ++day) {
    clock_.Advance(kDayUs);
    Keep();
  }
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_ + "/snapshots")) files += file.exists();
  EXPECT_EQ(files, SnapshotShelf::kMostKept);
  EXPECT_EQ(base::ReasonOf(Count("", first_us + kDayUs).status()), "SNAPSHOT_NOT_KEPT");
  EXPECT_TRUE(Count("", clock_.WallMicros() - SnapshotShelf::kKeepUs).ok());
  // Also when no new one comes.
  clock_.Advance(SnapshotShelf::kKeepUs + kDayUs);
  shelf_.Tidy();
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/snapshots"));
}

TEST_F(SnapshotTest, OneIsInMemoryAndLetGoWhenNobodyAsks) {
  const int64_t first_us = Keep();
  clock_.Advance(kDayUs);
  const int64_t second_us = Keep();
  std::weak_ptr<const Snapshot> first = *shelf_.At(first_us);
  EXPECT_EQ(first.lock(), *shelf_.At(first_us)) << "not read again";
  std::weak_ptr<const Snapshot> second = *shelf_.At(second_us);
  EXPECT_TRUE(first.expired());
  clock_.Advance(SnapshotShelf::kIdleUs);
  shelf_.Tidy();
  EXPECT_TRUE(second.expired());
}

TEST_F(SnapshotTest, WhoIsGoneSinceIsLeftOutWhoWasLinkedIsNot) {
  const int64_t then_us = Keep();
  for (int n = 0; n < 10; ++n) TakeAway(n);
  Bring(20, "Leeds", {10});  // linked
  TakeAway(10);
  EXPECT_EQ(Matched("", then_us), 90);
}

TEST_F(SnapshotTest, ADamagedOneIsPassedOver) {
  const int64_t first_us = Keep();
  clock_.Advance(kDayUs);
  Bring(0, "York");
  const int64_t second_us = Keep();
  for (const auto& file : std::filesystem::directory_iterator(folder_ + "/snapshots")) {
    if (file.path().string().find(std::to_string(second_us)) == std::string::npos) continue;
    std::fstream(file.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(40).put('?').put('!');
  }
  const auto count = Count("area = Leeds", second_us);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(count->as_of_time_us(), first_us);
  EXPECT_EQ(count->matched(), 100);
}

// Yesterday's number next to today's tells of the few who came: it is not told.
TEST_F(SnapshotTest, TheGuardComparesWithToday) {
  DifferencingGuard guard;
  const Listener analyst{&DefaultRuleSet(), &guard, "principals/analyst"};
  const int64_t then_us = Keep();
  clock_.Advance(kDayUs);
  Bring(0, "York");
  ASSERT_EQ(Count("area = Leeds", 0, analyst)->figure().certainty(), Figure::ROUNDED);
  const auto then = Count("area = Leeds", then_us, analyst);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->figure().certainty(), Figure::SUPPRESSED);
  EXPECT_EQ(then->figure().rule(), "hes/differencing");
}

}  // namespace
}  // namespace pharos::audience
