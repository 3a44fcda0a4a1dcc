#include "services/edge/notify_callback.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "services/base/errors.h"
#include "services/edge/json_form.h"

namespace pharos::edge {
namespace {

namespace v1 = dispatch::internal::v1;

constexpr char kAttempt[] = "0192f1c2a3b44c5d8e6f708192a3b4c5";

std::string Receipt(const std::string& status, const std::string& type = "sms",
                    const std::string& reference = fmt::format("\"{}\"", kAttempt)) {
  return fmt::format(R"({{"id": "740e5834-3a29-46b4-9a6f-16142fde533a", "reference": {}, "to": "07700900000",
    "status": "{}", "created_at": "2017-05-14T12:15:30.000000Z", "completed_at": "2017-05-14T12:15:30.250000Z",
    "sent_at": null, "notification_type": "{}", "template_id": "f33517ff-2a88-4f6e-b855-c550268ce08a",
    "template_version": 1}})",
                     reference, status, type);
}

std::string WrongWith(std::string_view body) {
  const auto read = ReadNotifyReceipt(body);
  EXPECT_EQ(base::ReasonOf(read.status()), "BODY_WRONG");
  return std::string(read.status().message());
}

TEST(NotifyCallback, AReceiptIsAboutTheAttemptThatItsReferenceNames) {
  const auto receipt = ReadNotifyReceipt(Receipt("delivered"));
  ASSERT_TRUE(receipt.ok()) << receipt.status();
  ASSERT_TRUE(receipt->has_value());
  EXPECT_EQ((*receipt)->provider_id(), kAttempt);
  EXPECT_EQ((*receipt)->state(), v1::DELIVERED);
  EXPECT_EQ((*receipt)->done_time_us(), 1'494'764'130'250'000);
  EXPECT_EQ((*receipt)->error_code(), "");
  EXPECT_EQ((*receipt)->reference(), -1);
}

TEST(NotifyCallback, StatusesAreReadAsTheConnectorReadsThem) {
  const auto read = [](const char* status, const char* type = "sms") {
    return **ReadNotifyReceipt(Receipt(status, type));
  };
  EXPECT_EQ(read("sent").state(), v1::ACCEPTED_STATE);
  EXPECT_EQ(read("temporary-failure").state(), v1::EXPIRED);
  EXPECT_EQ(read("technical-failure").state(), v1::REJECTED_LATER);
  EXPECT_EQ(read("permanent-failure").state(), v1::UNDELIVERABLE);
  EXPECT_EQ(read("permanent-failure").error_code(), "permanent-failure");
  EXPECT_FALSE(read("permanent-failure").hard_bounce()) << "a network may have refused it";
  EXPECT_TRUE(read("permanent-failure", "email").hard_bounce());
  EXPECT_FALSE(read("temporary-failure", "email").hard_bounce());
}

TEST(NotifyCallback, WhatIsNotOursOrNoNewsIsPassedOver) {
  for (const std::string& body :
       {Receipt("delivered", "sms", "null"), Receipt("delivered", "sms", "\"invoice 7\""),
        Receipt("delivered", "sms", "\"0192F1C2A3B44C5D8E6F708192A3B4C5\""), Receipt("sending")}) {
    const auto receipt = ReadNotifyReceipt(body);
    ASSERT_TRUE(receipt.ok()) << receipt.status();
    EXPECT_FALSE(receipt->has_value());
  }
}

TEST(NotifyCallback, SaysWhatIsWrongAndNeverRepeatsIt) {
  using ::testing::HasSubstr;
  using ::testing::Not;
  EXPECT_THAT(WrongWith(""), HasSubstr("not JSON"));
  EXPECT_THAT(WrongWith("[1]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(WrongWith("{\"id\": \"\xff\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(WrongWith("{}"), HasSubstr("\"id\" is missing"));
  EXPECT_THAT(WrongWith(Receipt("07700900000")), HasSubstr("\"status\" is none that is known"));
  EXPECT_THAT(WrongWith(Receipt("07700900000")), Not(HasSubstr("07700900000")));
  EXPECT_THAT(WrongWith(Receipt("delivered", "sms", "7")), HasSubstr("\"reference\" must be a text"));
  EXPECT_THAT(WrongWith(R"({"id": "a", "id": "b"})"), HasSubstr("twice"));
  EXPECT_THAT(WrongWith(std::string(100'000, '[')), HasSubstr("deep"));
  EXPECT_THAT(WrongWith(R"({"a":)" + std::string(10'000, '[') + std::string(10'000, ']') + "}"),
              HasSubstr("deep"));
}

TEST(NotifyCallback, AMessageKeepsTheProvidersId) {
  const auto message = ReadNotifyMessage(
      R"({"id": "740e5834", "source_number": "447700912345", "destination_number": "07700987654",
          "message": "STOP", "date_received": "2017-05-14T12:15:30.000000Z"})",
      42);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->id(), "740e5834");
  EXPECT_EQ(message->from(), "447700912345");
  EXPECT_EQ(message->to(), "07700987654");
  EXPECT_EQ(message->text(), "STOP");
  EXPECT_EQ(message->received_time_us(), 42);
  EXPECT_FALSE(ReadNotifyMessage(R"({"id": "1", "message": "STOP"})", 42).ok());
}

TEST(NotifyCallback, TimesHaveAZone) {
  EXPECT_EQ(ReadTime("1970-01-01T00:00:01Z"), 1'000'000);
  EXPECT_EQ(ReadTime("1970-01-01T01:00:01.5+01:00"), 1'500'000);
  for (const char* wrong : {"", "2017-05-14T12:15:30", "2017-02-30T12:15:30Z", "2017-05-14T24:15:30Z",
                            "2017-05-14T12:15:30.Z", "2017-05-14 12:15:30Z", "2017-05-14T12:15:30+99:00"})
    EXPECT_EQ(ReadTime(wrong), -1) << wrong;
}

}  // namespace
}  // namespace pharos::edge
