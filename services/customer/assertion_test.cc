// What may be decided, what a decision says, and conflicts in words.
#include "services/customer/assertion.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "services/customer/model_diff.h"

namespace pharos::customer {
namespace {

using record::v1::AssertionRow;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kNow = 1'790'000'000'000'000;

std::string R(std::string_view id) {
  return "sources/quit/records/" + std::string(id);
}

absl::StatusOr<AssertionRow> Decide(std::vector<Side> sides) {
  return NewAssertion(std::move(sides), "why", "principals/sam", "a1", kNow);
}
std::string ReasonOf(std::vector<Side> sides) {
  return base::ReasonOf(Decide(std::move(sides)).status());
}

TEST(Assertion, KeepsEachRecordOnceAndInOrder) {
  const auto row = Decide({{R("b"), R("a"), R("b")}});
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->name(), "assertions/a1");
  EXPECT_EQ(row->principal(), "principals/sam");
  EXPECT_EQ(row->create_time_us(), kNow);
  EXPECT_THAT(row->sides(0).records(), ElementsAre(R("a"), R("b")));
  EXPECT_TRUE(InForce(*row));
}

TEST(Assertion, WhatCannotBeDecidedIsRefused) {
  EXPECT_EQ(ReasonOf({}), "ASSERTION_WRONG");
  EXPECT_EQ(ReasonOf({{R("a"), R("a")}}), "ASSERTION_WRONG");
  EXPECT_EQ(ReasonOf({{R("a")}, {}}), "ASSERTION_WRONG");
  EXPECT_EQ(ReasonOf({{R("a"), R("b")}, {R("b")}}), "ASSERTION_WRONG");
  EXPECT_EQ(ReasonOf({{R("a"), "people/x"}}), "RECORD_NAME_WRONG");
}

TEST(Assertion, SaysWhoIsTheSameAndWhoIsNot) {
  const auto row = *Decide({{R("a"), R("b")}, {R("c")}});
  EXPECT_TRUE(SaysSame(row, std::vector{R("a"), R("b")}));
  EXPECT_FALSE(SaysSame(row, std::vector{R("a"), R("c")}));
  EXPECT_TRUE(SaysDifferent(row, R("c"), R("b")));
  EXPECT_FALSE(SaysDifferent(row, R("a"), R("b")));
  EXPECT_FALSE(SaysDifferent(row, R("a"), R("elsewhere")));
}

TEST(Assertion, UnlinkingSetsSomeOfAPersonsRecordsAgainstTheRest) {
  const Side person = {R("a"), R("b"), R("c")};
  EXPECT_THAT(*SidesOfUnlink(person, {R("b")}), ElementsAre(Side{R("b")}, Side{R("a"), R("c")}));
  EXPECT_EQ(base::ReasonOf(SidesOfUnlink(person, {R("x")}).status()), "RECORD_NOT_LINKED");
  EXPECT_EQ(base::ReasonOf(SidesOfUnlink(person, person).status()), "ASSERTION_WRONG");
}

TEST(Assertion, TakenBackOnceItStaysAsItIs) {
  const auto once = Revoked(*Decide({{R("a"), R("b")}}), "wrong", "principals/ann", kNow + 1);
  EXPECT_FALSE(InForce(once));
  EXPECT_EQ(once.revoke_principal(), "principals/ann");
  const auto twice = Revoked(once, "again", "principals/bob", kNow + 2);
  EXPECT_EQ(twice.revoke_time_us(), kNow + 1);
  EXPECT_EQ(twice.revoke_reason(), "wrong");
}

TEST(Assertion, AConflictNamesWhoDecidedWhat) {
  auto earlier = *Decide({{R("a")}, {R("b")}});
  earlier.set_number(17);
  const auto refused = [](const char* with) {
    return base::MakeError(absl::StatusCode::kFailedPrecondition, "ASSERTION_CONFLICT", "no",
                           {{"with", with}});
  };
  for (const char* with : {"17", "assertions/a1", "3, 17"}) {
    const absl::Status status = ConflictInWords(refused(with), {{earlier}});
    EXPECT_EQ(base::ReasonOf(status), "ASSERTION_CONFLICT");
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("assertions/a1 (principals/sam said that they are different people)"));
    EXPECT_EQ(base::FactsOf(status)->metadata.at("with"), "assertions/a1");
  }
  EXPECT_EQ(ConflictInWords(refused("4"), {{earlier}}), refused("4"));
  EXPECT_EQ(ConflictInWords(absl::AbortedError("x"), {{earlier}}), absl::AbortedError("x"));
}

TEST(ModelDiff, CountsWhoWouldBeLinkedAndWhoWouldBeSplit) {
  const Partition now = {{{1, 2}, {3}, {4}, {5, 6, 7}}, 0};
  const Partition then = {{{1, 2, 3}, {4}, {5, 6}, {7, 9}}, 0};
  const PartitionDiff diff = Compare(now, then, 10);
  EXPECT_EQ(diff.linked, 2);
  EXPECT_EQ(diff.split, 1);
  EXPECT_THAT(diff.linked_samples, ElementsAre(ElementsAre(1, 2, 3)));
  EXPECT_THAT(diff.split_samples, ElementsAre(ElementsAre(5, 6, 7)));
  EXPECT_TRUE(Compare(now, then, 0).linked_samples.empty());
  EXPECT_EQ(Compare(now, now, 10).linked + Compare(now, now, 10).split, 0);
}

}  // namespace
}  // namespace pharos::customer
