#include "connectors/sdk/work_book.h"

#include <gtest/gtest.h>

namespace pharos::sdk {
namespace {

const std::string kLife(16, 'L');
constexpr int64_t kStart = 10'000'000;

work::Attempts Attempts(uint64_t pull, std::vector<std::string> ids, const std::string& life = kLife) {
  work::Attempts attempts;
  attempts.set_pull_number(pull);
  attempts.set_life(life);
  for (const auto& id : ids) {
    auto* a = attempts.add_attempts();
    a->set_id(id);
    a->set_lease_us(1'200'000);
    a->set_hard_stop_us(700'000);
  }
  return attempts;
}

// Outcomes due, "id:CASE" or "id:reason of the refusal".
std::vector<std::string> Outcomes(WorkBook& book, int64_t now) {
  std::vector<std::string> out;
  for (const auto& request : book.Due(now))
    for (const auto& o : request.outcomes().outcomes())
      out.push_back(o.id() + ":" +
                    (o.has_refused()     ? o.refused().reason()
                     : o.has_accepted()  ? "ACCEPTED"
                     : o.has_no_answer() ? o.no_answer().reason()
                                         : "OTHER"));
  return out;
}

work::Outcome Accepted() {
  work::Outcome outcome;
  outcome.mutable_accepted()->add_provider_ids("p1");
  return outcome;
}

class WorkBookTest : public testing::Test {
 protected:
  WorkBookTest() : book_(kLife, Limits()) { book_.SetReady(true); }
  static WorkLimits Limits() {
    WorkLimits limits;
    limits.window = 4;
    limits.receipts = 2;
    limits.remembered_least = 3;
    return limits;
  }
  WorkBook book_;
};

TEST_F(WorkBookTest, PullsOnceAndAgainOnlyWhenStaleOrConsumed) {
  auto first = book_.NextPull(kStart);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->credit(), 4);
  EXPECT_FALSE(book_.NextPull(kStart + 249'000));
  auto second = book_.NextPull(kStart + 250'000);
  ASSERT_TRUE(second);
  EXPECT_GT(second->number(), first->number());
  book_.Take(Attempts(second->number(), {"a"}), kStart + 260'000);
  auto third = book_.NextPull(kStart + 265'000);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->credit(), 3);
}

TEST_F(WorkBookTest, TheLeaseCountsFromThePullsOwnSendTime) {
  auto pull = book_.NextPull(kStart);
  auto tasks = book_.Take(Attempts(pull->number(), {"a"}), kStart + 200'000);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].use_by_us, kStart + 1'200'000);
  EXPECT_EQ(tasks[0].hard_stop_us, kStart + 1'900'000);
}

TEST_F(WorkBookTest, AnAnswerToAnotherPullIsRefused) {
  auto first = book_.NextPull(kStart);
  auto second = book_.NextPull(kStart + 250'000);
  EXPECT_TRUE(book_.Take(Attempts(first->number(), {"a"}), kStart + 251'000).empty());
  EXPECT_EQ(book_.Take(Attempts(second->number(), {"b"}), kStart + 252'000).size(), 1u);
  EXPECT_TRUE(book_.Take(Attempts(second->number(), {"c"}), kStart + 253'000).empty());  // consumed
  EXPECT_EQ(Outcomes(book_, kStart + 254'000),
            (std::vector<std::string>{"a:PULL_NOT_LIVE", "c:PULL_NOT_LIVE"}));
}

TEST_F(WorkBookTest, APullOlderThanASecondIsDead) {
  auto pull = book_.NextPull(kStart);
  EXPECT_TRUE(book_.Take(Attempts(pull->number(), {"a"}), kStart + 1'000'000).empty());
  EXPECT_EQ(Outcomes(book_, kStart + 1'000'001), (std::vector<std::string>{"a:PULL_NOT_LIVE"}));
}

TEST_F(WorkBookTest, AnotherLifeIsDroppedWithoutAWord) {
  auto pull = book_.NextPull(kStart);
  EXPECT_TRUE(book_.Take(Attempts(pull->number(), {"a"}, std::string(16, 'O')), kStart).empty());
  EXPECT_TRUE(Outcomes(book_, kStart).empty());
  EXPECT_EQ(book_.Take(Attempts(pull->number(), {"a"}), kStart).size(), 1u);  // and the pull still lives
}

TEST_F(WorkBookTest, MoreThanTheCreditIsRefused) {
  auto pull = book_.NextPull(kStart);
  EXPECT_EQ(book_.Take(Attempts(pull->number(), {"a", "b", "c", "d", "e"}), kStart).size(), 4u);
  EXPECT_EQ(Outcomes(book_, kStart), (std::vector<std::string>{"e:PULL_NOT_LIVE"}));
}

TEST_F(WorkBookTest, AnIdIsNeverTakenTwice) {
  auto pull = book_.NextPull(kStart);
  book_.Take(Attempts(pull->number(), {"a"}), kStart);
  book_.Finish("a", Accepted(), kStart);
  pull = book_.NextPull(kStart + 10'000);
  EXPECT_TRUE(book_.Take(Attempts(pull->number(), {"a"}), kStart + 10'000).empty());
  pull = book_.NextPull(kStart + 20'000);
  EXPECT_EQ(Outcomes(book_, kStart + 20'000), (std::vector<std::string>{"a:ACCEPTED"}));
}

TEST_F(WorkBookTest, QueriesAreAnsweredExactly) {
  auto pull = book_.NextPull(kStart);
  book_.Take(Attempts(pull->number(), {"a", "b"}), kStart);
  book_.Finish("a", Accepted(), kStart);
  Outcomes(book_, kStart);
  work::Acknowledgement ack;
  ack.add_outcomes("a");
  book_.Acknowledged(ack);
  work::Query query;
  for (const char* id : {"a", "b", "never"}) query.add_ids(id);
  book_.Asked(query, kStart + 1);
  EXPECT_EQ(Outcomes(book_, kStart + 2), (std::vector<std::string>{"a:ACCEPTED", "never:UNKNOWN"}));
  // Refused for ever: it is not taken afterwards.
  pull = book_.NextPull(kStart + 10'000);
  EXPECT_TRUE(book_.Take(Attempts(pull->number(), {"never"}), kStart + 10'000).empty());
  book_.Finish("b", Accepted(), kStart + 11'000);
  EXPECT_EQ(Outcomes(book_, kStart + 11'001), (std::vector<std::string>{"b:ACCEPTED"}));
}

TEST_F(WorkBookTest, OutcomesAreRepeatedUntilAcknowledged) {
  auto pull = book_.NextPull(kStart);
  book_.Take(Attempts(pull->number(), {"a"}), kStart);
  book_.Finish("a", Accepted(), kStart);
  EXPECT_EQ(Outcomes(book_, kStart).size(), 1u);
  EXPECT_TRUE(Outcomes(book_, kStart + 500'000).empty());
  EXPECT_EQ(Outcomes(book_, kStart + 1'300'000).size(), 1u);
  book_.StreamOpened();
  EXPECT_EQ(Outcomes(book_, kStart + 1'400'000).size(), 1u);
  work::Acknowledgement ack;
  ack.add_outcomes("a");
  book_.Acknowledged(ack);
  book_.StreamOpened();
  EXPECT_TRUE(Outcomes(book_, kStart + 9'000'000).empty());
}

TEST_F(WorkBookTest, ReceiptsAreKeptOnceAndTheTableIsBounded) {
  auto first = book_.AddReceipt("k1", {});
  EXPECT_EQ(book_.AddReceipt("k1", {}), first);
  ASSERT_TRUE(book_.AddReceipt("k2", {}));
  EXPECT_FALSE(book_.AddReceipt("k3", {}));
  work::Acknowledgement ack;
  ack.add_receipts(*first);
  EXPECT_EQ(book_.Acknowledged(ack), std::vector<uint64_t>{*first});
  EXPECT_TRUE(book_.Acknowledged(ack).empty());
  EXPECT_TRUE(book_.AddReceipt("k3", {}));
}

TEST_F(WorkBookTest, NothingIsPulledWithoutRoomOrLink) {
  auto pull = book_.NextPull(kStart);
  book_.Take(Attempts(pull->number(), {"a", "b", "c", "d"}), kStart);
  EXPECT_FALSE(book_.NextPull(kStart + 5'000'000));
  book_.Finish("a", Accepted(), kStart);
  EXPECT_TRUE(book_.NextPull(kStart + 5'000'000));
  book_.SetReady(false);
  EXPECT_FALSE(book_.NextPull(kStart + 9'000'000));
}

TEST_F(WorkBookTest, OldIdsGoYoungAndOpenOnesStay) {
  for (int i = 0; i < 4; ++i) {
    auto pull = book_.NextPull(kStart + i * 10'000);
    std::string id = "id" + std::to_string(i);
    ASSERT_EQ(book_.Take(Attempts(pull->number(), {id}), kStart + i * 10'000).size(), 1u);
    if (i == 0) continue;  // id0 stays open
    book_.Finish(id, Accepted(), kStart);
    work::Acknowledgement ack;
    ack.add_outcomes(id);
    book_.Acknowledged(ack);
  }
  book_.NextPull(kStart + 700'000'000);
  work::Query query;
  for (const char* id : {"id0", "id1", "id3"}) query.add_ids(id);
  book_.Asked(query, kStart + 700'000'001);
  // id1 was handed over and is forgotten: never to be called refused.
  EXPECT_EQ(Outcomes(book_, kStart + 700'000'002),
            (std::vector<std::string>{"id1:FORGOTTEN", "id3:ACCEPTED"}));
}

work::Outcome NoAnswer() {
  work::Outcome outcome;
  outcome.mutable_no_answer()->set_reason("RESPONSE_TIMEOUT");
  return outcome;
}

TEST_F(WorkBookTest, TheProvidersLateAnswerReplacesNoAnswer) {
  auto pull = book_.NextPull(kStart);
  book_.Take(Attempts(pull->number(), {"a", "b"}), kStart);
  book_.Finish("a", NoAnswer(), kStart);
  EXPECT_EQ(Outcomes(book_, kStart + 1), (std::vector<std::string>{"a:RESPONSE_TIMEOUT"}));
  EXPECT_EQ(book_.open(), 1);
  book_.Finish("a", Accepted(), kStart + 2);
  EXPECT_EQ(book_.open(), 1) << "b; a was counted once";
  work::Acknowledgement ack;
  ack.add_outcomes("a");
  book_.Acknowledged(ack);  // of the first: it was on its way
  EXPECT_EQ(Outcomes(book_, kStart + 3), (std::vector<std::string>{"a:ACCEPTED"}));
  EXPECT_EQ(book_.unacknowledged(), 1u);
  book_.Acknowledged(ack);
  EXPECT_EQ(book_.unacknowledged(), 0u);
  book_.Finish("a", NoAnswer(), kStart + 4);
  EXPECT_TRUE(Outcomes(book_, kStart + 5).empty()) << "what is known stays known";
}

TEST_F(WorkBookTest, ALateAnswerCountsAfterTheAcknowledgementAndTheStream) {
  auto pull = book_.NextPull(kStart);
  book_.Take(Attempts(pull->number(), {"a"}), kStart);
  book_.Finish("a", NoAnswer(), kStart);
  Outcomes(book_, kStart);
  book_.StreamOpened();  // the acknowledgement went down with the old one
  book_.Finish("a", Accepted(), kStart + 1);
  EXPECT_EQ(Outcomes(book_, kStart + 2), (std::vector<std::string>{"a:ACCEPTED"}));
  work::Acknowledgement ack;
  ack.add_outcomes("a");
  book_.Acknowledged(ack);
  EXPECT_EQ(book_.unacknowledged(), 0u);
}

TEST_F(WorkBookTest, WhatIsInDoubtIsRememberedForALateAnswer) {
  for (const char* id : {"a", "b", "c", "d"}) {
    auto pull = book_.NextPull(kStart);
    ASSERT_TRUE(pull);
    book_.Take(Attempts(pull->number(), {id}), kStart);
    book_.Finish(id, id == std::string("a") ? NoAnswer() : Accepted(), kStart);
    work::Acknowledgement ack;
    Outcomes(book_, kStart);
    ack.add_outcomes(id);
    book_.Acknowledged(ack);
    book_.NextPull(kStart + 300'000);
    book_.StreamOpened();
  }
  book_.NextPull(kStart + 890'000'000);
  book_.Finish("a", Accepted(), kStart + 890'000'001);
  EXPECT_EQ(Outcomes(book_, kStart + 890'000'002), (std::vector<std::string>{"a:ACCEPTED"}));
}

TEST_F(WorkBookTest, NothingIsPulledWhileReceiptsAreFull) {
  ASSERT_TRUE(book_.AddReceipt("k1", {}));
  ASSERT_TRUE(book_.AddReceipt("k2", {}));
  EXPECT_FALSE(book_.NextPull(kStart)) << "the provider is not read, so its answers would come late";
  work::Acknowledgement ack;
  ack.add_receipts(1);
  book_.Acknowledged(ack);
  EXPECT_TRUE(book_.NextPull(kStart));
}

TEST_F(WorkBookTest, AfterDrainNothingIsReadyAgain) {
  book_.Drain();
  book_.SetReady(true);  // a link that comes up while we stop
  EXPECT_FALSE(book_.NextPull(kStart));
}

}  // namespace
}  // namespace pharos::sdk
