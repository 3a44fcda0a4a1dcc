// The guard: same again is fine, almost the same is not, nor is almost a sum or a difference.
#include "services/audience/differencing.h"

#include <gtest/gtest.h>

#include <random>

#include "services/base/errors.h"

namespace pharos::audience {
namespace {

using Kind = Earlier::Kind;
constexpr int64_t kThreshold = 8, kDay = int64_t{24} * 3600 * 1'000'000;
const char kAna[] = "principals/ana";

class Differencing : public testing::Test {
 protected:
  // People from `from` up to `to`.
  static PeopleSet People(PersonNo from, PersonNo to) {
    PeopleSet people;
    for (PersonNo person = from; person < to; ++person) people.Add(person);
    return people;
  }
  Earlier Ask(const PeopleSet& people, const std::string& principal = kAna, int64_t now_us = kDay,
              const std::string& question = "") {
    // Each question is another one unless it has a name.
    const std::string name = question.empty() ? std::to_string(++asked_) : question;
    const auto answers = guard_.Admit(principal, {guard_.SketchOf(people, name)}, kThreshold, now_us);
    EXPECT_TRUE(answers.ok()) << answers.status();
    return answers.ok() ? answers->front() : Earlier();
  }

  DifferencingGuard guard_;
  int asked_ = 0;
};

TEST_F(Differencing, TheSameAgainIsTheSameQuestion) {
  EXPECT_EQ(Ask(People(0, 1000)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(0, 1000)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(0, 0)).kind, Kind::kNothing);
}

TEST_F(Differencing, AlmostTheSameIsNotTold) {
  ASSERT_EQ(Ask(People(0, 1000)).kind, Kind::kNothing);
  for (PersonNo less = 1; less < 8; ++less) {
    EXPECT_EQ(Ask(People(0, 1000 - less)).kind, Kind::kNot) << less;
    EXPECT_EQ(Ask(People(less, 1000)).kind, Kind::kNot) << less;
  }
}

TEST_F(Differencing, TheSameQuestionAboutPeopleWhoHaveChangedIsToldAsBefore) {
  ASSERT_EQ(Ask(People(0, 1000), kAna, kDay, "area = ash").kind, Kind::kNothing);
  const Earlier answer = Ask(People(3, 1002), kAna, 2 * kDay, "area = ash");
  EXPECT_EQ(answer.kind, Kind::kAsBefore);
  EXPECT_EQ(answer.people, 1000);
  EXPECT_EQ(Ask(People(20, 1020), kAna, 3 * kDay, "area = ash").kind, Kind::kNothing);
}

// Were it said which of the two the middle one is near to, it would tell how far it is from the other.
TEST_F(Differencing, BetweenTwoAnswersNothingIsTold) {
  ASSERT_EQ(Ask(People(0, 1000)).kind, Kind::kNothing);
  ASSERT_EQ(Ask(People(0, 1014)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(0, 1007)).kind, Kind::kNot);
}

TEST_F(Differencing, EnoughDifferenceMayBeTold) {
  ASSERT_EQ(Ask(People(0, 1000)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(0, 980)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(5000, 6000)).kind, Kind::kNothing) << "as many, but others";
}

TEST_F(Differencing, AlmostASumOrADifferenceIsNotTold) {
  ASSERT_EQ(Ask(People(0, 400)).kind, Kind::kNothing);
  ASSERT_EQ(Ask(People(403, 1000)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(0, 1000)).kind, Kind::kNot) << "all but three of it are in two answers";
  ASSERT_EQ(Ask(People(2000, 3000)).kind, Kind::kNothing);
  ASSERT_EQ(Ask(People(2000, 2300)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(2305, 3000)).kind, Kind::kNot) << "five are in the first, not in the second nor in it";
  EXPECT_EQ(Ask(People(2300, 3000)).kind, Kind::kNothing) << "exactly the difference is known anyway";
}

TEST_F(Differencing, TheSumOfTwoOfTheSameSize) {
  ASSERT_EQ(Ask(People(0, 50)).kind, Kind::kNothing);
  ASSERT_EQ(Ask(People(51, 101)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(0, 101)).kind, Kind::kNot);
}

TEST_F(Differencing, OneAnswerTellsAllItsCellsTogether) {
  const auto answers =
      guard_.Admit(kAna,
                   {guard_.SketchOf(People(0, 100), "a"), guard_.SketchOf(People(0, 97), "b"),
                    guard_.SketchOf(People(0, 50), "c")},
                   kThreshold, kDay);
  ASSERT_TRUE(answers.ok());
  EXPECT_EQ((*answers)[0].kind, Kind::kNothing);
  EXPECT_EQ((*answers)[1].kind, Kind::kNot);
  EXPECT_EQ((*answers)[2].kind, Kind::kNothing);
}

TEST_F(Differencing, EachPrincipalForThirtyDays) {
  ASSERT_EQ(Ask(People(0, 1000)).kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(0, 998), "principals/bob").kind, Kind::kNothing);
  EXPECT_EQ(Ask(People(0, 997), kAna, 30 * kDay).kind, Kind::kNot);
  EXPECT_EQ(Ask(People(0, 997), kAna, 32 * kDay).kind, Kind::kNothing);
}

TEST_F(Differencing, WhatWasToldBeforeARestartIsToldAgain) {
  guard_.Remember(kAna, guard_.SketchOf(People(0, 1003), ""), 1000, kDay);
  const Earlier answer = Ask(People(0, 1003));
  EXPECT_EQ(answer.kind, Kind::kAsBefore);
  EXPECT_EQ(answer.people, 1000);
}

TEST_F(Differencing, RandomPairsOfNearSetsAreAlwaysNoticedAndOthersRarely) {
  std::mt19937 random(3);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string principal = "principals/p" + std::to_string(round);
    PeopleSet people;
    for (int i = 0; i < 500; ++i) people.Add(random() % 100'000);
    ASSERT_EQ(Ask(people, principal).kind, Kind::kNothing);
    PeopleSet near = people, other = people;
    for (int i = 0; i < 1 + round % 7; ++i) near.Add(200'000 + i);
    for (int i = 0; i < 20; ++i) other.Add(300'000 + i);
    EXPECT_EQ(Ask(near, principal).kind, Kind::kNot);
    refused += Ask(other, principal).kind != Kind::kNothing;
  }
  EXPECT_LE(refused, 3);
}

TEST_F(Differencing, MemoryIsBounded) {
  SetSketch set;
  for (size_t i = 0; i < DifferencingGuard::kMostSets; ++i) {
    set.people = 1'000 + 100 * static_cast<int64_t>(i);
    set.parity[i % SetSketch::kWords] += 0x123456789ABCDEFu;
    guard_.Remember(kAna, set, set.people, kDay);
  }
  EXPECT_LT(guard_.Bytes(), DifferencingGuard::kMostSets * size_t{400});
  EXPECT_TRUE(guard_.Admit(kAna, {set}, kThreshold, kDay).ok()) << "what was told may be told again";
  set.people += 50;
  set.parity.fill(0x5555555555555555u);
  EXPECT_EQ(base::ReasonOf(guard_.Admit(kAna, {set}, kThreshold, kDay).status()), "QUESTIONS_EXHAUSTED");
  EXPECT_TRUE(guard_.Admit(kAna, {set}, kThreshold, 40 * kDay).ok()) << "old answers are forgotten";
}

}  // namespace
}  // namespace pharos::audience
