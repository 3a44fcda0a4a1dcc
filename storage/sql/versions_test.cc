#include "storage/sql/versions.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::storage::sql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr size_t kRoom = 1u << 20;
using Before = std::unordered_map<std::string, Value>;

Intent Writes(uint64_t start, std::map<std::string, Value, std::less<>> writes) {
  return {.start = start, .writes = std::move(writes)};
}
Intent Reads(uint64_t start, std::unordered_set<std::string> reads) {
  return {.start = start, .reads = std::move(reads), .writes = {{"out", "x"}}};
}

// What a reader of the state sees; "?" if the database has to be asked, "-" if nothing is there.
std::string At(Versions& versions, std::string_view key, uint64_t number) {
  const auto found = versions.Find(key, number);
  if (!found.ok()) return base::ReasonOf(found.status());
  return !*found ? "?" : (*found)->value_or("-");
}

TEST(Versions, AStateInUseKeepsItsValuesWhileOthersCommit) {
  Versions versions(kRoom, kRoom);
  versions.Pin(4);
  ASSERT_EQ(versions.Admit(Writes(4, {{"a", "new"}, {"b", std::nullopt}}), 5,
                           Before{{"a", std::nullopt}, {"b", "old"}}),
            Versions::Verdict::kAdmitted);
  versions.Pin(5);
  EXPECT_EQ(At(versions, "a", 4), "-");
  EXPECT_EQ(At(versions, "a", 5), "new");
  EXPECT_EQ(At(versions, "b", 4), "old");
  EXPECT_EQ(At(versions, "b", 5), "-");
  EXPECT_EQ(At(versions, "c", 5), "?");
}

// The database has the new value already; the reader began before it.
TEST(Versions, WhatTheDatabaseSaysIsCorrectedToTheState) {
  Versions versions(kRoom, kRoom);
  versions.Pin(4);
  versions.Admit(Writes(4, {{"a", "new"}, {"b", std::nullopt}, {"c", "first"}}), 5,
                 Before{{"a", "old"}, {"b", "gone"}, {"c", std::nullopt}});
  EXPECT_EQ(*versions.Learn("a", 4, "new"), "old");
  std::map<std::string, std::string> rows{{"a", "new"}, {"aa", "same"}, {"c", "first"}};
  ASSERT_TRUE(versions.Correct({"a", "d"}, 4, rows).ok());
  EXPECT_THAT(rows, ElementsAre(Pair("a", "old"), Pair("aa", "same"), Pair("b", "gone")));
  std::map<std::string, std::string> part;
  ASSERT_TRUE(versions.Correct({"aa", "b"}, 4, part).ok());
  EXPECT_THAT(part, IsEmpty());
}

TEST(Versions, WhatIsLearntIsKnownToAll) {
  Versions versions(kRoom, kRoom);
  versions.Pin(1);
  EXPECT_EQ(*versions.Learn("a", 1, "value"), "value");
  EXPECT_EQ(*versions.Learn("b", 1, std::nullopt), std::nullopt);
  EXPECT_EQ(At(versions, "a", 1), "value");
  EXPECT_EQ(At(versions, "b", 1), "-");
}

TEST(Versions, RefusesWhoReadWhatWasWrittenOrTouchedSince) {
  Versions versions(kRoom, kRoom);
  versions.Pin(1);
  Intent first = Writes(1, {{"a", "1"}});
  first.touches = {"guard"};
  ASSERT_EQ(versions.Admit(first, 2, Before{{"a", std::nullopt}}), Versions::Verdict::kAdmitted);
  const Before out{{"out", std::nullopt}};
  EXPECT_EQ(versions.Admit(Reads(1, {"a"}), 2, out), Versions::Verdict::kConflict);  // also within one commit
  EXPECT_EQ(versions.Admit(Reads(1, {"guard"}), 3, out), Versions::Verdict::kConflict);
  EXPECT_EQ(versions.Admit(Reads(1, {"z"}), 3, out), Versions::Verdict::kAdmitted);
  EXPECT_EQ(versions.Admit(Reads(2, {"a", "guard"}), 4, out), Versions::Verdict::kAdmitted);
}

TEST(Versions, ACommitThatDidNotHappenLeavesNothing) {
  Versions versions(kRoom, kRoom);
  versions.Pin(1);
  Intent intent = Writes(1, {{"a", "1"}});
  intent.touches = {"guard"};
  versions.Admit(intent, 2, Before{{"a", "0"}});
  versions.Withdraw(2);
  EXPECT_EQ(At(versions, "a", 1), "0");
  EXPECT_EQ(versions.Admit(Reads(1, {"a", "guard"}), 2, Before{{"out", std::nullopt}}),
            Versions::Verdict::kAdmitted);
}

TEST(Versions, AsksForTheOldValueOfWhatItDoesNotKnow) {
  Versions versions(kRoom, kRoom);
  versions.Pin(1);
  EXPECT_THAT(versions.Unknown({"a"}), ElementsAre("a"));
  EXPECT_EQ(versions.Admit(Writes(1, {{"a", "1"}}), 2, {}), Versions::Verdict::kUnknown);
  ASSERT_TRUE(versions.Learn("a", 1, "0").ok());
  EXPECT_THAT(versions.Unknown({"a"}), IsEmpty());
  EXPECT_EQ(versions.Admit(Writes(1, {{"a", "1"}}), 2, {}), Versions::Verdict::kAdmitted);
}

TEST(Versions, OnceAllKeysAreKnownTheDatabaseIsNotAskedForOthers) {
  Versions versions(kRoom, kRoom);
  versions.Pin(1);
  versions.Present({"a"}, false);
  EXPECT_EQ(At(versions, "b", 1), "?");
  ASSERT_EQ(versions.Admit(Writes(1, {{"c", "new"}}), 2, Before{{"c", std::nullopt}}),
            Versions::Verdict::kAdmitted);
  versions.Present({"d"}, true);
  EXPECT_EQ(At(versions, "a", 1), "?");
  EXPECT_EQ(At(versions, "b", 1), "-");
  EXPECT_EQ(At(versions, "d", 1), "?");
  EXPECT_THAT(versions.Unknown({"a", "b", "c"}), ElementsAre("a"));
  EXPECT_EQ(versions.Admit(Writes(1, {{"e", "new"}}), 2, {}), Versions::Verdict::kAdmitted);
  EXPECT_EQ(At(versions, "e", 1), "-");
  EXPECT_EQ(At(versions, "e", 2), "new");
}

// A value is written, pushed out of the cache, and still not taken for missing.
TEST(Versions, WhatWasWrittenIsNeverTakenForMissing) {
  Versions versions(1000, kRoom);
  versions.Pin(1);
  versions.Present({}, true);
  for (uint64_t number = 2; number < 50; ++number) {
    ASSERT_EQ(versions.Admit(Writes(number - 1, {{std::to_string(number), "v"}}), number, {}),
              Versions::Verdict::kAdmitted);
    versions.Pin(number);
    versions.Unpin(number - 1);
  }
  EXPECT_EQ(At(versions, "2", 49), "?");
  EXPECT_EQ(At(versions, "49", 49), "v");
  EXPECT_EQ(At(versions, "never", 49), "-");
}

TEST(Versions, OnlyWhatNobodyNeedsIsPushedOut) {
  Versions versions(1000, kRoom);
  versions.Pin(1);
  versions.Admit(Writes(1, {{"held", "new"}}), 2, Before{{"held", "old"}});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(versions.Learn(std::to_string(i), 1, "value").ok());
  EXPECT_EQ(At(versions, "0", 1), "?");
  EXPECT_EQ(At(versions, "99", 1), "value");
  EXPECT_EQ(At(versions, "held", 1), "old");
  versions.Pin(2);
  versions.Unpin(1);
  EXPECT_EQ(At(versions, "held", 2), "new");
  EXPECT_LE(versions.bytes(), 1000u);
}

TEST(Versions, AStateThatHoldsTooMuchIsGivenUp) {
  Versions versions(kRoom, 10'000);
  versions.Pin(1);
  for (uint64_t number = 2; number < 100; ++number) {
    versions.Admit(Writes(number - 1, {{"a", std::string(500, 'x')}}), number, Before{{"a", std::nullopt}});
    versions.Pin(number);
    if (number > 2) versions.Unpin(number - 1);
  }
  EXPECT_EQ(At(versions, "a", 1), "STORE_BUSY");
  EXPECT_EQ(versions.Admit(Reads(1, {"z"}), 100, Before{{"out", std::nullopt}}),
            Versions::Verdict::kConflict);
  EXPECT_EQ(At(versions, "a", 99), std::string(500, 'x'));
}

}  // namespace
}  // namespace pharos::storage::sql
