#include "connectors/notify/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "connectors/notify/http_answer.h"
#include "services/base/errors.h"

namespace pharos::notify {
namespace {

using nlohmann::json;

work::Attempt AnAttempt() {
  work::Attempt attempt;
  attempt.set_id(std::string(16, '\x0a'));
  attempt.set_address("447700900123");
  attempt.set_text("Hello “Anna”\nline two");
  return attempt;
}

json BodyOf(const work::Attempt& attempt, const SendSettings& settings) {
  auto body = SendBody(attempt, settings);
  EXPECT_TRUE(body.ok()) << body.status();
  return body.ok() ? json::parse(*body) : json();
}

TEST(NotifyRequest, AddressesAreReadWhole) {
  auto real = ParseUrl("https://api.notifications.service.gov.uk");
  ASSERT_TRUE(real.ok());
  EXPECT_TRUE(real->tls);
  EXPECT_EQ(real->port, 443);
  auto local = ParseUrl("http://127.0.0.1:8080/notify/");
  ASSERT_TRUE(local.ok());
  EXPECT_EQ(local->port, 8080);
  EXPECT_EQ(local->prefix, "/notify");
  EXPECT_THAT(Get(*local, "/_status", ""),
              testing::StartsWith("GET /notify/_status HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"));
  auto six = ParseUrl("https://[::1]:9000");
  ASSERT_TRUE(six.ok());
  EXPECT_EQ(six->host, "::1");
}

TEST(NotifyRequest, WhatIsNoAddressOrWouldGoInTheClearIsRefused) {
  for (const char* url :
       {"", "ftp://x", "https://", "https://h:0", "https://h:70000", "https://h:x", "https://[::1",
        "http://api.notifications.service.gov.uk", "https://h/x?y", "https://h x", "https://h\r\nX: y"})
    EXPECT_EQ(base::ReasonOf(ParseUrl(url).status()), "FLAG_WRONG") << url;
}

TEST(NotifyRequest, ATextNamesItsAttempt) {
  SendSettings settings{MessageKind::kSms, "tid", "sender", ""};
  json body = BodyOf(AnAttempt(), settings);
  EXPECT_EQ(body["reference"], "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a");
  EXPECT_EQ(body["phone_number"], "+447700900123");
  EXPECT_EQ(body["template_id"], "tid");
  EXPECT_EQ(body["sms_sender_id"], "sender");
  EXPECT_EQ(body["personalisation"], (json{{"body", "Hello “Anna”\nline two"}}));
}

TEST(NotifyRequest, AnEmailHasASubjectAndOneClick) {
  SendSettings settings{MessageKind::kEmail, "tid", "", "reply"};
  auto attempt = AnAttempt();
  attempt.set_address("anna@example.test");
  attempt.mutable_email()->set_subject("News");
  attempt.mutable_email()->set_one_click_url("https://pharos.example/u/abc");
  json body = BodyOf(attempt, settings);
  EXPECT_EQ(body["email_address"], "anna@example.test");
  EXPECT_EQ(body["personalisation"]["subject"], "News");
  EXPECT_EQ(body["email_reply_to_id"], "reply");
  EXPECT_EQ(body["one_click_unsubscribe_url"], "https://pharos.example/u/abc");
}

TEST(NotifyRequest, ALetterHasItsAddressInLines) {
  SendSettings settings{MessageKind::kLetter, "tid", "", ""};
  auto attempt = AnAttempt();
  attempt.set_address("Anna Example\n1 Test Street\n\nSW1A 1AA");
  attempt.mutable_email()->set_subject("News");
  json body = BodyOf(attempt, settings);
  EXPECT_EQ(body["personalisation"]["address_line_1"], "Anna Example");
  EXPECT_EQ(body["personalisation"]["address_line_3"], "SW1A 1AA");
  attempt.set_address("Anna Example\nSW1A 1AA");
  EXPECT_EQ(base::ReasonOf(SendBody(attempt, settings).status()), "NOT_ENCODABLE");
}

TEST(NotifyRequest, WhatIsNoTextIsNotSent) {
  SendSettings settings{MessageKind::kSms, "tid", "", ""};
  auto attempt = AnAttempt();
  attempt.set_text("\xff\xfe");
  EXPECT_EQ(base::ReasonOf(SendBody(attempt, settings).status()), "NOT_ENCODABLE");
  attempt.set_text(std::string(kMaxBody, 'x'));
  EXPECT_EQ(base::ReasonOf(SendBody(attempt, settings).status()), "NOT_ENCODABLE");
}

TEST(NotifyRequest, APostIsOnePieceWithItsLength) {
  auto where = ParseUrl("https://h");
  ASSERT_TRUE(where.ok());
  std::string request = Post(*where, "/v2/notifications/sms", "TOKEN", "{}");
  EXPECT_THAT(request, testing::HasSubstr("\r\nAuthorization: Bearer TOKEN\r\n"));
  EXPECT_THAT(request, testing::EndsWith("\r\nContent-Length: 2\r\n\r\n{}"));
}

TEST(NotifyRequest, SmokeRecipientsAreKnown) {
  EXPECT_TRUE(IsSmokeRecipient(MessageKind::kSms, "447700900000"));
  EXPECT_TRUE(IsSmokeRecipient(MessageKind::kEmail, "Simulate-Delivered-2@notifications.service.gov.uk"));
  EXPECT_FALSE(IsSmokeRecipient(MessageKind::kSms, "447700900003"));
  EXPECT_FALSE(IsSmokeRecipient(MessageKind::kEmail, "447700900000"));
}

}  // namespace
}  // namespace pharos::notify
