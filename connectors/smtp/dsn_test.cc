// Mail that comes back, and what it means.
#include "connectors/smtp/dsn.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "connectors/smtp/inbound.h"
#include "services/base/ids.h"

namespace pharos::smtp {
namespace {

const std::string kAttempt(16, '\xA7');
const TokenAddress kBounce{AddressKind::kBounce, kAttempt}, kUnsubscribe{AddressKind::kUnsubscribe, kAttempt};

std::string Report(const std::string& groups) {
  return "From: MAILER-DAEMON@mx.example.test\r\nSubject: Undelivered\r\nContent-Type: multipart/report;\r\n"
         "\treport-type=delivery-status; boundary=\"=_b 1\"\r\n\r\nnotes\r\n--=_b 1\r\n\r\nSorry.\r\n--=_b "
         "1\r\n"
         "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.test\r\n"
         "Original-Envelope-Id: a7a7\r\n\r\n" +
         groups + "--=_b 1--\r\n";
}
std::optional<Inbound> Bounced(const std::string& mail) {
  return ReadInbound(kBounce, "b+x@example.test", "", mail, 1);
}

TEST(Dsn, AFailureNamesItsStatus) {
  auto dsn = ReadDsn(Report(
      "Final-Recipient: rfc822; anna@example.test\r\nAction: failed\r\nStatus: 5.1.1\r\n (no such user)\r\n"
      "Diagnostic-Code: smtp; 550 5.1.1 gone\r\n\r\n"));
  ASSERT_TRUE(dsn);
  EXPECT_EQ(dsn->envelope_id, "a7a7");
  ASSERT_EQ(dsn->recipients.size(), 1u);
  EXPECT_EQ(dsn->recipients[0].action, DsnAction::kFailed);
  EXPECT_EQ(dsn->recipients[0].status, (Enhanced{5, 1, 1}));
}

TEST(Dsn, BecomesAReceiptOfTheAttempt) {
  auto inbound = Bounced(Report("Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"));
  ASSERT_TRUE(inbound && inbound->receipt);
  EXPECT_EQ(inbound->receipt->provider_id(), base::ToHex(kAttempt));
  EXPECT_EQ(inbound->receipt->state(), work::UNDELIVERABLE);
  EXPECT_EQ(inbound->receipt->error_code(), "5.1.1");
  EXPECT_TRUE(inbound->receipt->hard_bounce());

  inbound = Bounced(Report("Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n"));
  ASSERT_TRUE(inbound);
  EXPECT_FALSE(inbound->receipt->hard_bounce());
  inbound = Bounced(Report("Final-Recipient: rfc822; a@b\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n"));
  ASSERT_TRUE(inbound);
  EXPECT_EQ(inbound->receipt->state(), work::EN_ROUTE);
  inbound = Bounced(Report("Final-Recipient: rfc822; a@b\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n"));
  ASSERT_TRUE(inbound);
  EXPECT_EQ(inbound->receipt->state(), work::DELIVERED);
  EXPECT_EQ(inbound->receipt->error_code(), "");
}

TEST(Dsn, OnlyAMissingMailboxIsAHardBounceAsInAnAnswer) {
  for (int detail : {0, 1, 10}) EXPECT_TRUE(DsnSaysHardBounce({5, 1, detail})) << detail;
  EXPECT_TRUE(DsnSaysHardBounce({5, 2, 1}));
  for (int detail : {2, 3, 4, 5, 6, 7, 8, 9, 11, 99})
    EXPECT_FALSE(DsnSaysHardBounce({5, 1, detail})) << detail;
  for (int detail : {0, 2, 3, 4}) EXPECT_FALSE(DsnSaysHardBounce({5, 2, detail})) << detail;
  EXPECT_FALSE(DsnSaysHardBounce({5, 7, 1}));
  EXPECT_FALSE(DsnSaysHardBounce({4, 1, 1}));
}

TEST(Dsn, WhatIsNoneIsNone) {
  EXPECT_FALSE(Bounced("Subject: away\r\n\r\nI am away."));
  EXPECT_FALSE(Bounced("Content-Type: multipart/report; boundary=x\r\n\r\n--x--\r\n"));
  EXPECT_FALSE(Bounced("Content-Type: multipart/report; boundary=\r\n\r\n--\r\n"));
  EXPECT_FALSE(Bounced(""));
  EXPECT_FALSE(Bounced(Report("")));
}

TEST(Dsn, EveryCutIsReadWithoutHarm) {
  std::string mail = Report("Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n");
  for (size_t length = 0; length < mail.size(); ++length) ReadDsn(std::string_view(mail).substr(0, length));
  for (size_t i = 0; i < mail.size(); ++i) {
    std::string changed = mail;
    changed[i] = '\0';
    ReadDsn(changed);
  }
}

TEST(Unsubscribe, AMailToItsAddressUnsubscribesWhateverItSays) {
  std::string mail = "From: Anna <anna@example.test>\r\nMessage-ID: <1@x>\r\nSubject: hello\r\n\r\nanything";
  auto inbound = ReadInbound(kUnsubscribe, "u+x@example.test", "anna@example.test", mail, 77);
  ASSERT_TRUE(inbound && inbound->message);
  EXPECT_EQ(inbound->message->unsubscribe_attempt(), kAttempt);
  EXPECT_EQ(inbound->message->from(), "anna@example.test");
  EXPECT_EQ(inbound->message->received_time_us(), 77);
  // Brought again: the same. Another mail: another.
  EXPECT_EQ(ReadInbound(kUnsubscribe, "u+x@example.test", "b@c", mail, 99)->message->id(),
            inbound->message->id());
  mail.replace(mail.find("<1@x>"), 5, "<2@x>");
  EXPECT_NE(ReadInbound(kUnsubscribe, "u+x@example.test", "b@c", mail, 99)->message->id(),
            inbound->message->id());
}

TEST(Unsubscribe, AutomaticAnswersDoNot) {
  const std::string from = "From: anna@example.test\r\n";
  for (std::string header : {"Auto-Submitted: auto-replied (vacation)", "Precedence: auto_reply",
                             "X-Autoreply: yes", "Content-Type: multipart/report; boundary=x"})
    EXPECT_FALSE(ReadInbound(kUnsubscribe, "u+x@y", "anna@example.test", from + header + "\r\n\r\nAway.", 1))
        << header;
  EXPECT_FALSE(ReadInbound(kUnsubscribe, "u+x@y", "", from + "\r\nbounce", 1));
  EXPECT_TRUE(ReadInbound(kUnsubscribe, "u+x@y", "anna@example.test",
                          from + "Auto-Submitted: no\r\nPrecedence: bulk\r\n\r\n", 1));
}

// Bounces of some sixty mail systems: those with an RFC 3464 part are read as another parser reads them.
class Samples : public testing::Test {
 protected:
  void SetUp() override {
    const char* source = std::getenv("PHAROS_SOURCE");
    const char* named = std::getenv("PHAROS_WIRE_SAMPLES");
    folder_ = named ? named : std::string(source ? source : ".") + "/../shared/data/wire";
    if (!std::filesystem::exists(folder_ + "/dsn/expected.json"))
      GTEST_SKIP() << "no sample mails in " << folder_
                   << "; set PHAROS_WIRE_SAMPLES to a folder with dsn/expected.json";
  }
  std::string Mail(const std::string& file) const {
    std::ifstream in(folder_ + "/" + file, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  std::string folder_;
};

TEST_F(Samples, AreReadAsAnotherParserReadsThem) {
  auto expected = nlohmann::json::parse(Mail("dsn/expected.json"));
  size_t with_part = 0;
  for (const auto& [file, facts] : expected.items()) {
    auto dsn = ReadDsn(Mail("dsn/" + file));
    const auto& recipients = facts["recipients"];
    if (!facts["has_delivery_status_part"].get<bool>() || recipients.empty()) {
      // "Action : failed": a space before the colon is obsolete (RFC 5322, 4.5) and read here, not by the
      // other.
      EXPECT_EQ(dsn.has_value(), file == "lhost-mimecast-02.eml") << file;
      continue;
    }
    ++with_part;
    ASSERT_TRUE(dsn) << file;
    ASSERT_EQ(dsn->recipients.size(), recipients.size()) << file;
    for (size_t i = 0; i < recipients.size(); ++i) {
      if (!recipients[i]["status"].is_string()) continue;
      EXPECT_EQ(dsn->recipients[i].status.Text(), recipients[i]["status"].get<std::string>()) << file;
    }
  }
  EXPECT_GE(with_part, 60u);
}

TEST_F(Samples, OrdinaryMailAndAutomaticAnswersAreNoBounces) {
  size_t read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/not-bounce")) {
    if (entry.path().extension() != ".eml") continue;
    ++read;
    EXPECT_FALSE(ReadDsn(Mail("not-bounce/" + entry.path().filename().string()))) << entry.path();
  }
  EXPECT_GT(read, 0u);
}

}  // namespace
}  // namespace pharos::smtp
