// Mail of other systems: bounces, complaints, and what is neither.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "connectors/smtp/dsn.h"
#include "connectors/smtp/inbound.h"
#include "services/base/ids.h"

namespace pharos::smtp {
namespace {

const std::string kKey(32, 'k'), kAttempt(16, '\xA7');
const TokenAddress kBounce{AddressKind::kBounce, kAttempt}, kReports{AddressKind::kComplaint, ""};

class WireSamples : public testing::Test {
 protected:
  void Each(const std::string& kind,
            const std::function<void(const std::string&, const std::string&, const nlohmann::json&)>& see) {
    const char* source = std::getenv("PHAROS_SOURCE");
    const std::string folder = std::string(source ? source : ".") + "/../shared/data/wire/" + kind + "/";
    std::ifstream expected(folder + "expected.json");
    if (!expected) GTEST_SKIP() << "no samples in " << folder;
    const auto all = nlohmann::json::parse(expected);
    for (const auto& [file, value] : all.items()) {
      std::stringstream text;
      text << std::ifstream(folder + file, std::ios::binary).rdbuf();
      see(file, text.str(), value);
    }
  }
};

TEST_F(WireSamples, EveryBounceIsSeenAsOneOnItsReturnPath) {
  int seen = 0, all = 0, words = 0;
  Each("dsn", [&](const std::string& file, const std::string& mail, const nlohmann::json& expected) {
    ++all;
    auto inbound = ReadInbound(kBounce, "b+x@example.test", "", mail, 1, kKey);
    if (inbound && inbound->receipt)
      ++seen;
    else
      std::cout << "not seen as a bounce: " << file << "\n";
    if (!inbound || !inbound->receipt) return;
    words += inbound->low_trust;
    EXPECT_FALSE(inbound->receipt->complaint()) << file;
    if (expected["has_delivery_status_part"] == true) {
      EXPECT_FALSE(inbound->low_trust) << file;
    }
    if (expected.contains("human_label") && expected["human_label"].contains("hard_bounce") &&
        expected["human_label"]["hard_bounce"] == false) {
      EXPECT_FALSE(inbound->receipt->hard_bounce()) << file;
    }
  });
  std::cout << seen << " of " << all << " seen, " << words << " by their words\n";
  EXPECT_GE(seen * 100, all * 95);
}

TEST_F(WireSamples, WhatIsNoBounceIsNone) {
  Each("not-bounce", [&](const std::string& file, const std::string& mail, const nlohmann::json&) {
    for (const char* sender : {"", "neko@example.org"})
      EXPECT_FALSE(ReadInbound(kBounce, "b+x@example.test", sender, mail, 1, kKey)) << file;
  });
}

TEST_F(WireSamples, ComplaintsAreReadAndOthersAreNot) {
  Each("arf", [&](const std::string& file, const std::string& mail, const nlohmann::json& expected) {
    auto complaint = ReadComplaint(mail);
    EXPECT_EQ(complaint.has_value(), expected["is_rfc5965"] == true) << file;
    // None of them is about a message of ours.
    EXPECT_FALSE(ReadInbound(kReports, "fbl@example.test", "", mail, 1, kKey)) << file;
    if (!complaint || expected["is_rfc5965"] != true) return;
    EXPECT_EQ(complaint->feedback_type, expected["feedback_type"]) << file;
    for (const auto& [field, value] : expected.items()) {
      if (field == "is_rfc5965" || field == "feedback_type" || !value.is_string()) continue;
      std::string name = field;
      std::replace(name.begin(), name.end(), '_', '-');
      EXPECT_EQ(FieldOf(complaint->fields, name), value.get<std::string>()) << file << " " << name;
    }
  });
}

std::string Report(const std::string& type, const std::string& original) {
  return "From: fbl@mail.example\r\nContent-Type: multipart/report; report-type=feedback-report; "
         "boundary=b\r\n\r\n"
         "--b\r\n\r\nThis is a report.\r\n--b\r\nContent-Type: "
         "message/feedback-report\r\n\r\nFeedback-Type: " +
         type + "\r\nUser-Agent: x/1\r\nVersion: 1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" +
         original + "\r\n\r\nHello\r\n--b--\r\n";
}

TEST(Complaints, OneOfOursNamesItsAttemptHoweverMuchIsRedacted) {
  const std::string bounce = LocalPartFor({AddressKind::kBounce, kAttempt}, kKey);
  const std::string unsubscribe = LocalPartFor({AddressKind::kUnsubscribe, kAttempt}, kKey);
  for (const std::string& original :
       {"Return-Path: <" + bounce + "@bounce.example.test>",
        "List-Unsubscribe: <https://x.example/1>,\r\n <mailto:" + unsubscribe +
            "@bounce.example.test?subject=unsubscribe>",
        "To: redacted\r\nMessage-ID: <" + MessageIdFor(kAttempt, "example.test", kKey) + ">"}) {
    auto inbound =
        ReadInbound(kReports, "fbl@example.test", "fbl@mail.example", Report("abuse", original), 1, kKey);
    ASSERT_TRUE(inbound && inbound->receipt) << original;
    EXPECT_TRUE(inbound->receipt->complaint());
    EXPECT_EQ(inbound->receipt->provider_id(), base::ToHex(kAttempt));
    EXPECT_EQ(inbound->receipt->state(), work::EN_ROUTE);
    EXPECT_FALSE(inbound->receipt->hard_bounce());
    for (const char* other : {"not-spam", "auth-failure", "dmarc"})
      EXPECT_FALSE(ReadInbound(kReports, "fbl@example.test", "", Report(other, original), 1, kKey)) << other;
  }
}

TEST(Complaints, ATokenThatNobodyHereMadeProvesNothing) {
  const std::string forged = LocalPartFor({AddressKind::kBounce, kAttempt}, std::string(32, 'x'));
  EXPECT_FALSE(ReadInbound(kReports, "fbl@example.test", "",
                           Report("abuse", "Return-Path: <" + forged + "@b.test>"), 1, kKey));
  EXPECT_FALSE(ReadInbound(kReports, "fbl@example.test", "",
                           Report("abuse", "Message-ID: <" + base::ToHex(kAttempt) + "@example.test>"), 1,
                           kKey));
}

TEST(WordBounces, AreOfLowTrustAndNameAMissingMailboxOnlyByItsCode) {
  auto read = [](const std::string& words, const std::string& sender = "") {
    return ReadInbound(
        kBounce, "b+x@example.test", sender,
        "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nSubject: Undelivered mail\r\n\r\n" + words,
        1, kKey);
  };
  auto inbound = read("550 5.1.1 no such user\r\n");
  ASSERT_TRUE(inbound);
  EXPECT_TRUE(inbound->low_trust);
  EXPECT_TRUE(inbound->receipt->hard_bounce());
  inbound = read("The user is unknown.\r\n");
  ASSERT_TRUE(inbound);
  EXPECT_EQ(inbound->receipt->state(), work::UNDELIVERABLE);
  EXPECT_FALSE(inbound->receipt->hard_bounce());
  EXPECT_EQ(read("451 4.2.1 busy; will be retried\r\n")->receipt->state(), work::EN_ROUTE);
  EXPECT_FALSE(read("550 5.1.1 no such user\r\n", "somebody@example.org")) << "bounces come from nobody";
}

}  // namespace
}  // namespace pharos::smtp
