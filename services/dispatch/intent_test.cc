#include "services/dispatch/intent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "pharos/dispatch/internal/v1/work_service.pb.h"
#include "services/dispatch/reply_rule.h"

namespace pharos::dispatch {
namespace {

using internal::v1::ReceiptState;

record::v1::IntentRow Pending(record::v1::TallyRow& tally) {
  record::v1::IntentRow row;
  Enter(row, tally, 1);
  return row;
}

TEST(Intent, FollowsOneMessageFromPlanToDelivery) {
  record::v1::TallyRow tally;
  auto row = Pending(tally);
  Move(row, tally, State::kInFlight, "", 2);
  Move(row, tally, State::kSent, "", 3);
  Move(row, tally, State::kDelivered, "", 4);
  EXPECT_EQ(tally.delivered(), 1);
  EXPECT_EQ(tally.intents(), 1);
  EXPECT_EQ(SumOf(tally), 1);
  ASSERT_EQ(row.events_size(), 4);
  EXPECT_EQ(row.events(3).time_us(), 4);
}

TEST(Intent, NeverLeavesAFinalState) {
  for (State to : {State::kPending, State::kInFlight, State::kSent, State::kFailed, State::kUnconfirmed}) {
    EXPECT_FALSE(MayMove(State::kDelivered, to));
    EXPECT_FALSE(MayMove(State::kWithheld, to));
  }
}

TEST(Intent, RemembersThatItWasSentAgainHoweverMuchHappensAfterwards) {
  record::v1::TallyRow tally;
  auto row = Pending(tally);
  Move(row, tally, State::kInFlight, "", 2);
  Move(row, tally, State::kUnconfirmed, "LINK_LOST", 3);
  Move(row, tally, State::kPending, kResentAfterDoubt, 4);
  for (int i = 0; i < 2 * kMaxEvents; ++i) {
    Move(row, tally, State::kInFlight, "", 5);
    Move(row, tally, State::kPending, "THROTTLED", 6);
  }
  EXPECT_TRUE(WasResent(row));
}

TEST(Intent, WhatWasToBeSentAgainAndIsNotStaysInDoubt) {
  record::v1::TallyRow tally;
  auto row = Pending(tally);
  EXPECT_EQ(EndOf(row, State::kWithheld), State::kWithheld);
  Move(row, tally, State::kInFlight, "", 2);
  Move(row, tally, State::kUnconfirmed, "LINK_LOST", 3);
  Move(row, tally, State::kPending, kResentAfterDoubt, 4);
  EXPECT_EQ(EndOf(row, State::kWithheld), State::kUnconfirmed);
  EXPECT_EQ(EndOf(row, State::kFailed), State::kUnconfirmed);
  EXPECT_EQ(EndOf(row, State::kInFlight), State::kInFlight);
  Move(row, tally, EndOf(row, State::kWithheld), "STOPPED", 5);
  EXPECT_EQ(tally.unconfirmed(), 1);
  EXPECT_EQ(SumOf(tally), 1);
}

TEST(Intent, InDoubtIsNeverCalledInFlightAgain) {
  EXPECT_FALSE(MayMove(State::kUnconfirmed, State::kInFlight));
}

TEST(IntentDeathTest, StopsTheProcessOnAMoveThatTheTableDoesNotHave) {
  record::v1::TallyRow tally;
  auto row = Pending(tally);
  EXPECT_DEATH(Move(row, tally, State::kDelivered, "", 2), "impossible_move");
}

TEST(Intent, CountsReasonsAndForgetsEmptyOnes) {
  record::v1::TallyRow tally;
  auto row = Pending(tally);
  Move(row, tally, State::kFailed, "EXPIRED", 2);
  EXPECT_EQ(tally.failed().at("EXPIRED"), 1);
  Move(row, tally, State::kDelivered, "", 3);
  EXPECT_FALSE(tally.failed().contains("EXPIRED"));
  EXPECT_EQ(SumOf(tally), 1);
}

TEST(Intent, CountsBouncesAsAPartOfFailed) {
  record::v1::TallyRow tally;
  auto row = Pending(tally);
  Move(row, tally, State::kFailed, "INVALID_NUMBER", 2);
  EXPECT_EQ(tally.bounced(), 1);
  EXPECT_EQ(SumOf(tally), 1);
}

// The state is a function of the set of receipts: any order, any repeats, the same end.
TEST(Intent, TakesReceiptsInAnyOrder) {
  std::mt19937 random(7);
  const std::vector<int> kinds = {ReceiptState::EN_ROUTE,      ReceiptState::DELIVERED,
                                  ReceiptState::EXPIRED,       ReceiptState::DELETED,
                                  ReceiptState::UNDELIVERABLE, ReceiptState::ACCEPTED_STATE,
                                  ReceiptState::UNKNOWN_STATE, ReceiptState::REJECTED_LATER};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::pair<int, int>> receipts;  // part, state
    for (int i = 0; i < 6; ++i) receipts.emplace_back(random() % 2, kinds[random() % kinds.size()]);
    std::string first;
    for (int shuffle = 0; shuffle < 4; ++shuffle) {
      record::v1::IntentRow row;
      row.add_parts()->set_provider_id("a");
      row.add_parts()->set_provider_id("b");
      auto order = receipts;
      order.insert(order.end(), receipts.begin(), receipts.begin() + shuffle);
      std::shuffle(order.begin(), order.end(), random);
      for (auto [part, state] : order) {
        if (IsStronger(state, row.parts(part).receipt())) row.mutable_parts(part)->set_receipt(state);
      }
      const Settled settled = Settle(row);
      const std::string end = std::to_string(static_cast<int>(settled.state)) + settled.reason;
      if (shuffle == 0) first = end;
      EXPECT_EQ(end, first);
    }
  }
}

TEST(Intent, IsDeliveredOnlyWhenEveryPartIs) {
  record::v1::IntentRow row;
  row.add_parts()->set_receipt(ReceiptState::DELIVERED);
  row.add_parts();
  EXPECT_EQ(Settle(row).state, State::kSent);
  row.mutable_parts(1)->set_receipt(ReceiptState::EXPIRED);
  EXPECT_EQ(Settle(row).state, State::kFailed);
  EXPECT_EQ(Settle(row).reason, "EXPIRED");
  row.mutable_parts(1)->set_receipt(ReceiptState::DELIVERED);
  EXPECT_EQ(Settle(row).state, State::kDelivered);
}

TEST(Reply, KnowsTheWordsHoweverTheyAreTyped) {
  for (const char* text : {"STOP", "stop", " Stop. ", "STOP!!!", "\"stop\"", "Unsubscribe", "stop all",
                           "STOPIO", "Arrêt", "OPT OUT", "please stop texting me", "Don't text me again",
                           "Don’t text me", "take me off this list"}) {
    EXPECT_EQ(Classify(text), ReplyMeaning::kStop) << text;
  }
  for (const char* text : {"START", "start", "Unstop", "dechrau"})
    EXPECT_EQ(Classify(text), ReplyMeaning::kStart) << text;
  for (const char* text : {"HELP", "info?"}) EXPECT_EQ(Classify(text), ReplyMeaning::kHelp) << text;
  for (const char* text : {"Wrong number", "sorry, wrong person", "this is not my number"}) {
    EXPECT_EQ(Classify(text), ReplyMeaning::kWrongPerson) << text;
  }
  for (const char* text : {"", "thanks", "nonstop fun", "when does it start?", "\xff\xfe"}) {
    EXPECT_EQ(Classify(text), ReplyMeaning::kOther) << text;
  }
}

}  // namespace
}  // namespace pharos::dispatch
