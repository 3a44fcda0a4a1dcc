#include "services/dispatch/canary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace pharos::dispatch {
namespace {

using record::v1::CanaryRow;
using type::v1::SendRules;

constexpr int64_t kNow = 1'790'000'000'000'000;
constexpr int64_t kSecond = 1'000'000;

SendRules Rules(int permille) {
  SendRules rules;
  rules.set_canary_permille(permille);
  return rules;
}

CanaryRow With(CanaryRow row, CanaryEvent event, int times, int64_t now_us = kNow) {
  for (int i = 0; i < times; ++i) CountCanary(row, event, now_us);
  return row;
}

CanaryPhase Phase(const CanaryRow& row, int64_t now_us = kNow) {
  return DecideCanary(row, Rules(10), now_us).phase;
}

TEST(Canary, HasTheShareThatWasApproved) {
  EXPECT_EQ(CanarySize(Rules(10), 10'000), 100);
  EXPECT_EQ(CanarySize(Rules(10), 150), 2);
  EXPECT_EQ(CanarySize(Rules(10), 1), 1);
  EXPECT_EQ(CanarySize(Rules(1000), 7), 7);
  EXPECT_EQ(CanarySize(Rules(1), 1'000'000'000), 1'000'000);
  EXPECT_EQ(CanarySize(Rules(0), 100), 0);
  EXPECT_EQ(CanarySize(Rules(10), 0), 0);
}

TEST(Canary, HasExactlyItsSizeSpreadOverTheStep) {
  for (int permille : {1, 7, 10, 333, 999, 1000}) {
    for (int64_t members : {1, 2, 99, 100, 101, 1000, 12'345}) {
      const SendRules rules = Rules(permille);
      const int64_t size = CanarySize(rules, members);
      int64_t found = 0, last = -1, widest = 0;
      for (int64_t i = 0; i < members; ++i) {
        if (!IsCanary(rules, i, members)) continue;
        ++found;
        widest = std::max(widest, i - last);
        last = i;
      }
      EXPECT_EQ(found, size) << permille << " of " << members;
      EXPECT_LE(widest, members / size + 1);
    }
  }
  EXPECT_FALSE(IsCanary(Rules(0), 0, 10));
  EXPECT_FALSE(IsCanary(Rules(1000), 10, 10));
}

TEST(Canary, GoesFirstThenWaitsThenPasses) {
  CanaryRow row = StartCanary(100);
  EXPECT_EQ(Phase(row), CanaryPhase::kSending);
  row = With(row, CanaryEvent::kLeft, 99);
  EXPECT_EQ(Phase(row), CanaryPhase::kSending);
  row = With(row, CanaryEvent::kLeft, 1, kNow + kSecond);
  const CanaryDecision waiting = DecideCanary(row, Rules(10), kNow + kSecond);
  EXPECT_EQ(waiting.phase, CanaryPhase::kWaiting);
  EXPECT_EQ(waiting.look_again_us, kNow + 301 * kSecond);
  EXPECT_EQ(Phase(row, kNow + 301 * kSecond - 1), CanaryPhase::kWaiting);
  EXPECT_EQ(Phase(row, kNow + 301 * kSecond), CanaryPhase::kPassed);
}

TEST(Canary, LetsTheRestWait) {
  for (CanaryPhase phase : {CanaryPhase::kSending, CanaryPhase::kWaiting}) {
    EXPECT_TRUE(MayLeave(phase, true));
    EXPECT_FALSE(MayLeave(phase, false));
  }
  for (bool is_canary : {true, false}) {
    EXPECT_TRUE(MayLeave(CanaryPhase::kNone, is_canary));
    EXPECT_TRUE(MayLeave(CanaryPhase::kPassed, is_canary));
    EXPECT_FALSE(MayLeave(CanaryPhase::kHeld, is_canary));
  }
}

TEST(Canary, IsHeldWhenMoreFailedThanMay) {
  const CanaryRow sent = With(StartCanary(100), CanaryEvent::kLeft, 100);
  EXPECT_EQ(Phase(With(sent, CanaryEvent::kFailed, 5)), CanaryPhase::kWaiting);
  const CanaryDecision held = DecideCanary(With(sent, CanaryEvent::kFailed, 6), Rules(10), kNow);
  EXPECT_EQ(held.phase, CanaryPhase::kHeld);
  EXPECT_EQ(held.verdict,
            "6 of 100 messages of the first 1 % failed; at most 5.0 % may. Find out why, then resume the "
            "campaign or stop it");
}

TEST(Canary, IsHeldForComplaintsAndOptOutsToo) {
  const CanaryRow sent = With(StartCanary(1000), CanaryEvent::kLeft, 1000);
  EXPECT_EQ(Phase(With(sent, CanaryEvent::kComplained, 2)), CanaryPhase::kWaiting);
  EXPECT_EQ(Phase(With(sent, CanaryEvent::kComplained, 3)), CanaryPhase::kHeld);
  EXPECT_EQ(Phase(With(sent, CanaryEvent::kOptedOut, 30)), CanaryPhase::kWaiting);
  CanaryRow both = With(With(sent, CanaryEvent::kOptedOut, 31), CanaryEvent::kComplained, 3);
  EXPECT_EQ(
      DecideCanary(both, Rules(5), kNow).verdict,
      "3 of 1000 messages of the first 0.5 % were reported as unwanted; at most 0.2 % may. 31 of 1000 "
      "messages of the first 0.5 % were answered with an opt-out; at most 3.0 % may. Find out why, then "
      "resume the campaign or stop it");
}

TEST(Canary, UsesTheCampaignsOwnThresholdsAndWait) {
  SendRules rules = Rules(10);
  rules.set_canary_most_failed_permille(200);
  rules.set_canary_wait_s(10);
  CanaryRow row = With(With(StartCanary(10), CanaryEvent::kLeft, 10), CanaryEvent::kFailed, 2);
  EXPECT_EQ(DecideCanary(row, rules, kNow).look_again_us, kNow + 10 * kSecond);
  EXPECT_EQ(DecideCanary(With(row, CanaryEvent::kFailed, 1), rules, kNow).phase, CanaryPhase::kHeld);
}

TEST(Canary, IsHeldAsSoonAsItIsCertain) {
  const CanaryRow row = With(With(StartCanary(1000), CanaryEvent::kLeft, 60), CanaryEvent::kFailed, 50);
  EXPECT_EQ(Phase(row), CanaryPhase::kSending);  // the other 940 may all arrive
  EXPECT_EQ(Phase(With(row, CanaryEvent::kFailed, 1)), CanaryPhase::kHeld);
}

TEST(Canary, DoesNotCountWhatWasWithheld) {
  CanaryRow row = With(With(StartCanary(100), CanaryEvent::kLeft, 10), CanaryEvent::kFailed, 1);
  EXPECT_EQ(Phase(row), CanaryPhase::kSending);
  row = With(row, CanaryEvent::kWithheld, 90);
  EXPECT_EQ(Phase(row), CanaryPhase::kHeld);  // 1 of 10
  EXPECT_EQ(Phase(With(StartCanary(3), CanaryEvent::kWithheld, 3)), CanaryPhase::kPassed);
}

TEST(Canary, WaitsForOneThatGoesBackToBeSentAgain) {
  CanaryRow row = With(StartCanary(100), CanaryEvent::kLeft, 100);
  row = With(row, CanaryEvent::kFailed, 1);
  ApplyCanary(row, DecideCanary(row, Rules(10), kNow));
  EXPECT_EQ(PhaseOf(row), CanaryPhase::kWaiting);
  row = With(With(row, CanaryEvent::kNotFailed, 1), CanaryEvent::kReturned, 1);
  EXPECT_EQ(Phase(row, kNow + 1000 * kSecond), CanaryPhase::kSending);
  row = With(row, CanaryEvent::kLeft, 1, kNow + 1000 * kSecond);
  EXPECT_EQ(Phase(row, kNow + 1000 * kSecond), CanaryPhase::kWaiting);
  EXPECT_EQ(Phase(row, kNow + 1300 * kSecond), CanaryPhase::kPassed);
}

TEST(Canary, StaysHeldUntilAPersonResumesIt) {
  CanaryRow row = With(With(StartCanary(10), CanaryEvent::kLeft, 10), CanaryEvent::kFailed, 10);
  EXPECT_FALSE(ResumeCanary(row));
  EXPECT_TRUE(ApplyCanary(row, DecideCanary(row, Rules(10), kNow)));
  EXPECT_FALSE(ApplyCanary(row, DecideCanary(row, Rules(10), kNow + 9999 * kSecond)));
  EXPECT_EQ(PhaseOf(row), CanaryPhase::kHeld);
  EXPECT_TRUE(ResumeCanary(row));
  EXPECT_EQ(Phase(row), CanaryPhase::kPassed);
  EXPECT_EQ(Phase(With(row, CanaryEvent::kFailed, 5)), CanaryPhase::kPassed);
  EXPECT_NE(row.verdict(), "");
}

TEST(Canary, OfNobodyHasPassed) {
  EXPECT_EQ(PhaseOf(StartCanary(0)), CanaryPhase::kPassed);
  EXPECT_EQ(PhaseOf(CanaryRow()), CanaryPhase::kNone);
  CanaryRow later;
  later.set_phase(9);
  EXPECT_EQ(PhaseOf(later), CanaryPhase::kHeld);
}

}  // namespace
}  // namespace pharos::dispatch
