// Replies, and what a refusal means.
#include "connectors/smtp/reply.h"

#include <gtest/gtest.h>

namespace pharos::smtp {
namespace {

Reply Read(std::string text) {
  ReplyReader reader;
  Reply reply;
  EXPECT_EQ(reader.Read(text, reply), ReplyReader::Result::kWhole) << text;
  return reply;
}
work::Rejected Refusal(Stage stage, const std::string& line) {
  return RejectedFor(stage, Read(line + "\r\n"));
}

TEST(ReplyReader, PutsTheLinesOfAReplyTogether) {
  ReplyReader reader;
  Reply reply;
  std::string in = "250-one.example\r\n250-PIPELI";
  EXPECT_EQ(reader.Read(in, reply), ReplyReader::Result::kNeedMore);
  in += "NING\r\n250 SIZE 100\r\n220 next\r\n";
  ASSERT_EQ(reader.Read(in, reply), ReplyReader::Result::kWhole);
  EXPECT_EQ(reply.code, 250);
  EXPECT_EQ(reply.lines, (std::vector<std::string>{"one.example", "PIPELINING", "SIZE 100"}));
  EXPECT_EQ(in, "220 next\r\n");
}

TEST(ReplyReader, WhatIsNoSmtpIsBroken) {
  for (std::string text :
       {"HTTP/1.1 400 no\r\n", "25\r\n", "250_odd\r\n", "250-a\r\n251 b\r\n", "999 no\r\n"}) {
    ReplyReader reader;
    Reply reply;
    EXPECT_EQ(reader.Read(text, reply), ReplyReader::Result::kBroken) << text;
  }
  ReplyReader reader;
  Reply reply;
  std::string endless(5000, '2'), lines;
  EXPECT_EQ(reader.Read(endless, reply), ReplyReader::Result::kBroken);
  for (int i = 0; i < 200; ++i) lines += "250-x\r\n";
  EXPECT_EQ(reader.Read(lines, reply), ReplyReader::Result::kBroken);
}

TEST(EnhancedCode, IsReadFromTheFront) {
  EXPECT_EQ(ReadEnhanced("5.1.10 no"), (Enhanced{5, 1, 10}));
  EXPECT_EQ(ReadEnhanced("4.7.650"), (Enhanced{4, 7, 650}));
  EXPECT_EQ(ReadEnhanced("5.1 no"), Enhanced{});
  EXPECT_EQ(ReadEnhanced("3.1.1"), Enhanced{});
  EXPECT_EQ(ReadEnhanced("5.1.1.1"), Enhanced{});
  EXPECT_EQ(ReadEnhanced("192.0.2.1"), Enhanced{});
  // A code that contradicts its reply is none.
  EXPECT_EQ(Read("250 5.1.1 fine\r\n").enhanced, Enhanced{});
}

TEST(Refusal, OnlyAMissingMailboxIsHeldAgainstTheAddress) {
  for (const char* line : {"550 5.1.1 no", "550 5.1.0 no", "550 5.1.10 no", "550 5.2.1 off"}) {
    auto rejected = Refusal(Stage::kRecipient, line);
    EXPECT_TRUE(rejected.hard_bounce()) << line;
    EXPECT_FALSE(rejected.transient()) << line;
    EXPECT_EQ(rejected.reason(), "NO_SUCH_MAILBOX") << line;
  }
  for (const char* line : {"550 no such user", "550 5.7.1 policy", "552 5.2.2 full", "550 5.1.2 domain",
                           "450 4.1.1 later", "554 no", "421 4.1.1 bye"})
    EXPECT_FALSE(Refusal(Stage::kRecipient, line).hard_bounce()) << line;
  // At MAIL it cannot be about the person.
  EXPECT_FALSE(Refusal(Stage::kMail, "550 5.1.0 sender").hard_bounce());
}

TEST(Refusal, PolicyIsTheRoutesTroubleAndMayBeTriedAgain) {
  for (const char* line : {"550 5.7.1 no", "554 5.7.26 dmarc", "553 5.1.8 sender"}) {
    auto rejected = Refusal(Stage::kFinalDot, line);
    EXPECT_TRUE(IsRouteTrouble(rejected)) << line;
    EXPECT_TRUE(rejected.transient()) << line;
    EXPECT_GT(rejected.retry_after_ms(), 0) << line;
  }
  EXPECT_TRUE(IsRouteTrouble(Refusal(Stage::kMail, "550 who are you")));
}

TEST(Refusal, ADomainThatAsksForLessIsLeftAloneForAWhile) {
  for (const char* line :
       {"451 4.7.0 slow", "421 4.7.28 unusual rate", "450 rate limit exceeded", "421 bye"}) {
    auto rejected = Refusal(Stage::kFinalDot, line);
    EXPECT_EQ(rejected.scope(), work::DOMAIN) << line;
    EXPECT_TRUE(rejected.transient()) << line;
    EXPECT_GT(rejected.retry_after_ms(), 0) << line;
  }
  EXPECT_EQ(Refusal(Stage::kMail, "421 bye").scope(), work::REFUSAL_SCOPE_UNSPECIFIED);
  EXPECT_EQ(Refusal(Stage::kFinalDot, "550 5.7.1 no").scope(), work::ROUTE);
}

TEST(Refusal, WordsDecideOnlyWhereCodesDoNotAndNeverAgainstTheAddress) {
  EXPECT_EQ(Refusal(Stage::kRecipient, "550 listed at zen.spamhaus.example").reason(), "POLICY");
  EXPECT_EQ(Refusal(Stage::kRecipient, "550 5.1.1 no such user, spam").reason(), "NO_SUCH_MAILBOX");
  EXPECT_EQ(Refusal(Stage::kRecipient, "550 user is over quota").reason(), "MAILBOX_FULL");
  EXPECT_FALSE(Refusal(Stage::kRecipient, "550 no such user here").hard_bounce());
  EXPECT_GE(Refusal(Stage::kRecipient, "450 greylisted").retry_after_ms(), 60'000);
}

TEST(Refusal, TheRestByItsClass) {
  EXPECT_TRUE(Refusal(Stage::kRecipient, "451 greylisted").transient());
  EXPECT_TRUE(Refusal(Stage::kFinalDot, "421 closing").transient());
  EXPECT_EQ(Refusal(Stage::kFinalDot, "552 5.2.2 full").reason(), "MAILBOX_FULL");
  EXPECT_FALSE(Refusal(Stage::kFinalDot, "552 5.2.2 full").transient());
  EXPECT_TRUE(Refusal(Stage::kFinalDot, "452 4.2.2 full").transient());
  EXPECT_EQ(Refusal(Stage::kFinalDot, "552 5.3.4 big").reason(), "TOO_LARGE");
  EXPECT_EQ(Refusal(Stage::kRecipient, "550 anna@example.test unknown").code(), "550");
  EXPECT_EQ(Refusal(Stage::kRecipient, "550 5.1.1 anna@example.test").code(), "550 5.1.1");
}

}  // namespace
}  // namespace pharos::smtp
