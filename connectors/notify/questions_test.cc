#include "connectors/notify/questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "connectors/notify/key.h"
#include "services/base/ids.h"

namespace pharos::notify {
namespace {

using nlohmann::json;
constexpr int64_t kSecond = 1'000'000, kHour = 3'600 * kSecond;
constexpr int64_t kWall = 1'795'435'200 * kSecond;  // 2026-11-23T12:00:00Z

std::string Id(char c) {
  return std::string(16, c);
}
std::string Reference(char c) {
  return base::ToHex(Id(c));
}
std::string NotifyId(char c) {
  return UuidOf(std::string(15, '\x01') + c);
}
json Listed(char c, const std::string& status, const std::string& created = "2026-11-23T12:00:00Z") {
  return {{"id", NotifyId(c)},
          {"reference", Reference(c)},
          {"status", status},
          {"type", "sms"},
          {"created_at", created}};
}
std::string PageOf(std::vector<json> list, bool more = false) {
  json page = {{"notifications", list}, {"links", json::object()}};
  if (more) page["links"]["next"] = "x";
  return page.dump();
}
bool Open(const std::string&) {
  return true;
}
bool NotOpen(const std::string&) {
  return false;
}

class QuestionsTest : public testing::Test {
 protected:
  QuestionsTest() : questions_({MessageKind::kSms, 30 * kSecond, kHour, false}) {}
  Learned Answer(const Question& q, const std::string& body, bool (*open)(const std::string&) = NotOpen) {
    return questions_.Answered(q, body, now_, kWall, open);
  }
  std::optional<Question> Next() { return questions_.Next(now_, kWall + now_, true); }

  Questions questions_;
  int64_t now_ = kSecond;
};

TEST_F(QuestionsTest, WhatTheProviderHasIsThereAtOnce) {
  questions_.LookUp({Id('a')}, now_);
  auto q = Next();
  ASSERT_TRUE(q);
  EXPECT_EQ(q->path, "/v2/notifications?reference=" + Reference('a'));
  auto learned = Answer(*q, PageOf({Listed('a', "delivered")}));
  ASSERT_EQ(learned.findings.size(), 1u);
  EXPECT_EQ(learned.findings[0].there().provider_ids(0), Reference('a'));
  ASSERT_EQ(learned.receipts.size(), 1u);
  EXPECT_EQ(learned.receipts[0].state(), work::DELIVERED);
  EXPECT_EQ(questions_.in_doubt(), 0u);
}

TEST_F(QuestionsTest, NotThereIsFinalWhenTwoListsALagApartSayIt) {
  questions_.LookUp({Id('a')}, now_);
  auto q = Next();
  EXPECT_TRUE(Answer(*q, PageOf({})).findings.empty()) << "it may still come";
  EXPECT_FALSE(Next());
  now_ += 29 * kSecond;
  EXPECT_FALSE(Next());
  now_ += kSecond;
  q = Next();
  ASSERT_TRUE(q);
  EXPECT_TRUE(Answer(*q, PageOf({})).findings.empty()) << "one list proves nothing";
  now_ += 29 * kSecond;
  EXPECT_FALSE(Next());
  now_ += kSecond;
  q = Next();
  ASSERT_TRUE(q);
  auto learned = Answer(*q, PageOf({}));
  ASSERT_EQ(learned.findings.size(), 1u);
  EXPECT_TRUE(learned.findings[0].not_there());
  EXPECT_EQ(questions_.in_doubt(), 0u);
}

TEST_F(QuestionsTest, WhatIsListedLateIsThereAfterAll) {
  questions_.LookUp({Id('a')}, now_);
  now_ += 30 * kSecond;
  EXPECT_TRUE(Answer(*Next(), PageOf({})).findings.empty()) << "freshly accepted, not yet listed";
  now_ += 30 * kSecond;
  auto learned = Answer(*Next(), PageOf({Listed('a', "created")}));
  ASSERT_EQ(learned.findings.size(), 1u);
  EXPECT_TRUE(learned.findings[0].has_there());
}

TEST_F(QuestionsTest, AnAnswerToAQuestionThatWasAskedTooEarlyCountsForNothingHoweverLateItComes) {
  questions_.LookUp({Id('a')}, now_);
  auto q = Next();
  now_ += 60 * kSecond;
  EXPECT_TRUE(Answer(*q, PageOf({})).findings.empty());
}

TEST_F(QuestionsTest, WhatIsStillBeingHandedOverIsNeverNotThere) {
  questions_.LookUp({Id('a')}, now_);
  now_ += 60 * kSecond;
  auto q = Next();
  EXPECT_TRUE(Answer(*q, PageOf({}), Open).findings.empty());
  EXPECT_EQ(questions_.in_doubt(), 1u);
}

TEST_F(QuestionsTest, AnAnswerAboutOthersProvesNothing) {
  questions_.LookUp({Id('a')}, now_);
  now_ += 60 * kSecond;
  auto q = Next();
  EXPECT_TRUE(Answer(*q, PageOf({Listed('b', "sending")})).findings.empty())
      << "it did not look by reference";
  EXPECT_TRUE(Answer(*q, "nonsense").findings.empty());
  EXPECT_EQ(questions_.in_doubt(), 1u);
}

TEST_F(QuestionsTest, FailuresAreTriedEverMoreRarelyThenLeftToDispatch) {
  questions_.LookUp({Id('a')}, now_);
  int asked = 0;
  for (; asked < 100 && questions_.in_doubt() > 0; now_ += kSecond)
    if (auto q = Next()) {
      ++asked;
      questions_.Failed(*q, now_);
    }
  EXPECT_EQ(asked, 7);
}

TEST_F(QuestionsTest, SilentOnesAreListedNotTheYoung) {
  questions_.Sent(Id('a'), NotifyId('a'), kWall - 2 * kHour);
  questions_.Sent(Id('b'), NotifyId('b'), kWall - kHour - kSecond);
  questions_.Sent(Id('c'), NotifyId('c'), kWall);
  auto q = Next();
  ASSERT_TRUE(q);
  EXPECT_EQ(q->path, "/v2/notifications?template_type=sms&older_than=" + NotifyId('c'));
  auto learned =
      Answer(*q, PageOf({Listed('b', "delivered"), Listed('z', "delivered"), Listed('a', "sending")}));
  ASSERT_EQ(learned.receipts.size(), 1u) << "z is not ours, a has no end yet";
  questions_.Settled(learned.receipts[0].provider_id());
  now_ += kHour;  // b is settled; a is asked about again, and c by now
  q = Next();
  ASSERT_TRUE(q);
  learned = Answer(
      *q, PageOf({Listed('c', "permanent-failure"), Listed('b', "delivered"), Listed('a', "delivered")}));
  EXPECT_EQ(learned.receipts.size(), 2u) << "what was settled is not said again";
}

TEST_F(QuestionsTest, AReceiptThatWasNotKeptIsSaidAgain) {
  questions_.Sent(Id('a'), NotifyId('a'), kWall - 2 * kHour);
  EXPECT_EQ(Answer(*Next(), PageOf({Listed('a', "delivered")})).receipts.size(), 1u);
  now_ += kHour;
  EXPECT_EQ(Answer(*Next(), PageOf({Listed('a', "delivered")})).receipts.size(), 1u);
}

TEST_F(QuestionsTest, NothingSilentNothingAsked) {
  EXPECT_FALSE(Next());
  questions_.Sent(Id('a'), NotifyId('a'), kWall - 2 * kHour);
  questions_.Settled(Reference('a'));
  now_ += kHour;
  EXPECT_FALSE(Next());
  EXPECT_EQ(questions_.silent(), 0u);
}

TEST_F(QuestionsTest, AStartGoesThroughAllPagesAndTakesTheUnfinishedOver) {
  questions_ = Questions({MessageKind::kSms, 30 * kSecond, kHour, true});
  auto q = Next();
  ASSERT_TRUE(q);
  EXPECT_EQ(q->path, "/v2/notifications?template_type=sms");
  auto learned = Answer(*q, PageOf({Listed('b', "delivered", "2026-11-23T10:00:00Z")}, true));
  ASSERT_EQ(learned.receipts.size(), 1u);
  questions_.Settled(learned.receipts[0].provider_id());
  q = Next();
  ASSERT_TRUE(q);
  EXPECT_EQ(q->path, "/v2/notifications?template_type=sms&older_than=" + NotifyId('b'));
  EXPECT_TRUE(Answer(*q, PageOf({Listed('a', "sending", "2026-11-23T09:00:00Z")})).receipts.empty());
  EXPECT_FALSE(Next()) << "the start is over";
  now_ += kHour;
  q = Next();
  ASSERT_TRUE(q) << "a is waited for";
  EXPECT_EQ(Answer(*q, PageOf({Listed('b', "delivered"), Listed('a', "delivered")})).receipts.size(), 1u);
}

}  // namespace
}  // namespace pharos::notify
