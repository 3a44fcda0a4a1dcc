#include "connectors/notify/notify_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "services/base/errors.h"

namespace pharos::notify {
namespace {

constexpr char kReference[] = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
constexpr int64_t kNoon = 1'795'435'200'000'000;  // 2026-11-23T12:00:00Z

std::string Error(int status, const std::string& error, const std::string& message) {
  return nlohmann::json{{"status_code", status}, {"errors", {{{"error", error}, {"message", message}}}}}
      .dump();
}

SendVerdict Judge(int status, const std::string& body, int retry_after_s = 0) {
  return JudgeSend(status, body, kReference, retry_after_s, kNoon);
}

std::string Created(const std::string& reference) {
  return R"({"id":"740e5834-3a29-46b4-9a6f-16142fde533a","reference":")" + reference +
         R"(","content":{"body":"x","from_number":"GOVUK"},"uri":"https://…","template":{"id":"f33517ff-2a88-4f6e-b855-c550268ce08a","version":1}})";
}

TEST(NotifyAnswer, AcceptedUnderOurReference) {
  auto verdict = Judge(201, Created(kReference));
  ASSERT_EQ(verdict.outcome.accepted().provider_ids_size(), 1);
  EXPECT_EQ(verdict.outcome.accepted().provider_ids(0), kReference);
  EXPECT_EQ(verdict.notify_id, "740e5834-3a29-46b4-9a6f-16142fde533a");
}

TEST(NotifyAnswer, AnAnswerThatCannotBeReadProvesNothing) {
  for (const std::string& body :
       {std::string(), std::string("{"), Created("somebody-elses"), std::string("[]"),
        std::string(R"({"id":1,"reference":")") + kReference + "\"}", std::string(100'000, '['),
        std::string(R"({"id":"x"})")})
    EXPECT_TRUE(Judge(201, body).outcome.has_no_answer()) << body.substr(0, 50);
  EXPECT_TRUE(Judge(200, Created(kReference)).outcome.has_no_answer());
}

TEST(NotifyAnswer, ServerErrorsAfterTheBodyAreInDoubt) {
  for (int status : {500, 502, 503, 504})
    EXPECT_EQ(Judge(status, Error(status, "Exception", "x")).outcome.no_answer().reason(), "PROVIDER_ERROR");
}

TEST(NotifyAnswer, AMessageThatIsWrongFailsForGood) {
  struct Case {
    const char *error, *message, *reason;
  };
  for (const Case& c :
       {Case{"ValidationError", "phone_number Not enough digits", "INVALID_NUMBER"},
        Case{"ValidationError", "email_address Not a valid email address", "INVALID_ADDRESS"},
        Case{"ValidationError", "Last line of address must be a real UK postcode", "INVALID_ADDRESS"},
        Case{"BadRequestError", "Content for x has a character count greater than the limit of 918",
             "TOO_LONG"},
        Case{"BadRequestError", "Can't send to international mobile numbers", "INVALID_NUMBER"},
        Case{"ValidationError", "something new", "REFUSED_BY_PROVIDER"}}) {
    auto verdict = Judge(400, Error(400, c.error, c.message));
    EXPECT_EQ(verdict.outcome.rejected().reason(), c.reason) << c.message;
    EXPECT_FALSE(verdict.outcome.rejected().transient());
    EXPECT_EQ(verdict.trouble.problem, "");
    EXPECT_EQ(verdict.outcome.rejected().code(), std::string("400 ") + c.error);
  }
  EXPECT_EQ(Judge(413, "").outcome.rejected().reason(), "TOO_LONG");
}

TEST(NotifyAnswer, SettingsThatAreWrongPauseTheRouteAndFailNobody) {
  for (const char* message :
       {"Template not found", "Template has been deleted", "Missing personalisation: name",
        "sms_sender_id 740e does not exist in database for service id x",
        "Can’t send to this recipient using a team-only API key",
        "Can’t send to this recipient when service is in trial mode"}) {
    auto verdict = Judge(400, Error(400, "BadRequestError", message));
    EXPECT_TRUE(verdict.outcome.rejected().transient()) << message;
    EXPECT_EQ(verdict.outcome.rejected().scope(), work::ROUTE);
    EXPECT_EQ(verdict.trouble.problem, "WRONG_ACCOUNT") << message;
    EXPECT_GT(verdict.outcome.rejected().retry_after_ms(), 0);
  }
}

TEST(NotifyAnswer, TooFastWaitsTheDailyLimitWaitsForMidnight) {
  auto fast = Judge(
      429,
      Error(429, "RateLimitError", "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds"),
      3);
  EXPECT_TRUE(fast.trouble.too_fast);
  EXPECT_EQ(fast.outcome.rejected().reason(), "THROTTLED");
  EXPECT_EQ(fast.outcome.rejected().scope(), work::ROUTE);
  EXPECT_EQ(fast.outcome.rejected().retry_after_ms(), 3'000);
  auto day = Judge(429, Error(429, "TooManyRequestsError", "Exceeded send limits (250,000) for today"));
  EXPECT_FALSE(day.trouble.too_fast);
  EXPECT_EQ(day.trouble.problem, "DAILY_LIMIT");
  EXPECT_TRUE(day.outcome.rejected().transient());
  EXPECT_EQ(day.outcome.rejected().retry_after_ms(), 12 * 3'600'000);
}

TEST(NotifyAnswer, ARefusedKeySaysInWordsWhatToDo) {
  auto skew =
      Judge(403, Error(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds"));
  EXPECT_THAT(skew.trouble.words, testing::HasSubstr("clock"));
  auto revoked = Judge(403, Error(403, "AuthError", "Invalid token: API key revoked"));
  EXPECT_THAT(revoked.trouble.words, testing::HasSubstr("revoked"));
  auto wrong = Judge(403, Error(403, "AuthError", "Invalid token: API key not found"));
  EXPECT_THAT(wrong.trouble.words, testing::HasSubstr("api-key-file"));
  for (const auto& verdict : {skew, revoked, wrong}) {
    EXPECT_EQ(verdict.trouble.problem, "WRONG_PASSWORD");
    EXPECT_EQ(verdict.outcome.rejected().scope(), work::ROUTE);
    EXPECT_TRUE(verdict.outcome.rejected().transient());
  }
}

TEST(NotifyAnswer, SomethingElseThatAnswersIsSaidToBeSo) {
  auto verdict = Judge(404, "<html>nginx</html>");
  EXPECT_EQ(verdict.trouble.problem, "PROTOCOL_ERROR");
  EXPECT_TRUE(verdict.outcome.rejected().transient());
  EXPECT_EQ(Judge(302, "").trouble.problem, "PROTOCOL_ERROR");
}

TEST(NotifyAnswer, WordsForPeopleRepeatNothingThatTheProviderSaid) {
  auto verdict = Judge(400, Error(400, "Validation 07700900123 Error", "phone_number 07700900123 is wrong"));
  EXPECT_EQ(verdict.outcome.ShortDebugString().find("07700900123 is"), std::string::npos);
  EXPECT_EQ(verdict.trouble.words, "");
}

Notification One(const std::string& status, MessageKind kind = MessageKind::kSms) {
  Notification n;
  n.reference = kReference;
  n.status = status;
  n.kind = kind;
  n.completed_us = 5;
  return n;
}

TEST(NotifyAnswer, EachStatusHasItsReceipt) {
  auto state = [](const std::string& status, MessageKind kind = MessageKind::kSms) {
    auto receipt = ReceiptOf(One(status, kind));
    return receipt ? receipt->state() : work::RECEIPT_STATE_UNSPECIFIED;
  };
  EXPECT_EQ(state("delivered"), work::DELIVERED);
  EXPECT_EQ(state("permanent-failure"), work::UNDELIVERABLE);
  EXPECT_EQ(state("temporary-failure"), work::EXPIRED);
  EXPECT_EQ(state("technical-failure"), work::REJECTED_LATER);
  EXPECT_EQ(state("sent"), work::ACCEPTED_STATE);
  EXPECT_EQ(state("received", MessageKind::kLetter), work::ACCEPTED_STATE);
  EXPECT_EQ(state("cancelled", MessageKind::kLetter), work::DELETED);
  for (const char* running :
       {"created", "sending", "pending", "accepted", "pending-virus-check", "something-new"})
    EXPECT_EQ(state(running), work::RECEIPT_STATE_UNSPECIFIED) << running;
}

TEST(NotifyAnswer, OnlyAWrongMailAddressIsAHardBounce) {
  EXPECT_TRUE(ReceiptOf(One("permanent-failure", MessageKind::kEmail))->hard_bounce());
  EXPECT_FALSE(ReceiptOf(One("permanent-failure", MessageKind::kSms))->hard_bounce());
  EXPECT_FALSE(ReceiptOf(One("temporary-failure", MessageKind::kEmail))->hard_bounce());
}

TEST(NotifyAnswer, SomebodyElsesMessagesHaveNoReceipt) {
  auto n = One("delivered");
  for (const char* reference : {"", "their-own", "0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A"}) {
    n.reference = reference;
    EXPECT_FALSE(ReceiptOf(n)) << reference;
  }
}

TEST(NotifyAnswer, PagesAreReadStrictly) {
  std::string one =
      R"({"id":"740e5834-3a29-46b4-9a6f-16142fde533a","reference":null,"status":"sending","type":"email","created_at":"2026-11-23T12:00:00.500000Z","completed_at":null})";
  auto page = ReadPage(R"({"notifications":[)" + one + R"(],"links":{"current":"x","next":"y"}})");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->notifications[0].created_us, kNoon + 500'000);
  EXPECT_TRUE(page->more);
  for (std::string body :
       {"", "[]", "{}", R"({"notifications":{}})", R"({"notifications":[1]})",
        R"({"notifications":[{"id":"x","status":"sending","type":"sms"}]})",
        R"({"notifications":[{"id":"740e5834-3a29-46b4-9a6f-16142fde533a","status":7,"type":"sms"}]})"})
    EXPECT_EQ(base::ReasonOf(ReadPage(body).status()), "ANSWER_WRONG") << body;
  EXPECT_TRUE(ReadNotification(one).ok());
}

TEST(NotifyAnswer, OnlyTemplatesThatHandThroughAreGood) {
  EXPECT_EQ(WrongWithTemplate({"sms", "", "((body))"}, MessageKind::kSms), "");
  EXPECT_EQ(WrongWithTemplate({"email", "((subject))", "((body))\n"}, MessageKind::kEmail), "");
  EXPECT_THAT(WrongWithTemplate({"sms", "", "Dear ((name)), ((body))"}, MessageKind::kSms),
              testing::HasSubstr("((body))"));
  EXPECT_THAT(WrongWithTemplate({"email", "News", "((body))"}, MessageKind::kEmail),
              testing::HasSubstr("((subject))"));
  EXPECT_THAT(WrongWithTemplate({"email", "((subject))", "((body))"}, MessageKind::kSms),
              testing::HasSubstr("template id"));
}

TEST(NotifyAnswer, TimesAreReadOrNot) {
  EXPECT_EQ(ReadTime("2026-11-23T12:00:00Z"), kNoon);
  EXPECT_EQ(ReadTime("2026-11-23T12:00:00.5Z"), kNoon + 500'000);
  EXPECT_EQ(ReadTime("1970-01-01T00:00:01.000000Z"), 1'000'000);
  for (const char* wrong :
       {"", "2026-11-23", "2026-11-23T12:00:00", "2026-13-23T12:00:00Z", "2026-11-23T12:00:00.Z",
        "2026-11-23T12:00:00.1234567Z", "aaaa-11-23T12:00:00Z", "2026-11-23 12:00:00Z"})
    EXPECT_EQ(ReadTime(wrong), 0) << wrong;
}

}  // namespace
}  // namespace pharos::notify
