// What is believed of a provider, and from when.
#include "connectors/smtp/conversation.h"

#include <gtest/gtest.h>

namespace pharos::smtp {
namespace {

Step Hear(Conversation& conversation, std::string text) {
  ReplyReader reader;
  Reply reply;
  EXPECT_EQ(reader.Read(text, reply), ReplyReader::Result::kWhole);
  return conversation.OnReply(reply);
}

ConversationOptions Options(bool live) {
  ConversationOptions options;
  options.live = live;
  return options;
}

// Up to the end of the handshake.
void Secure(Conversation& conversation) {
  Hear(conversation, "220 localhost pharos-sandbox\r\n");
  Hear(conversation, "250-x\r\n250-SIZE 10\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n");
  EXPECT_TRUE(Hear(conversation, "220 go\r\n").start_tls);
  EXPECT_EQ(conversation.OnSecured().send.substr(0, 5), "EHLO ");
}

TEST(Conversation, WhatWasSaidBeforeTlsIsForgottenInLiveMode) {
  Conversation conversation(Options(true));
  Secure(conversation);
  EXPECT_FALSE(conversation.sandbox()) << "anybody may have put that into the greeting";
  EXPECT_TRUE(Hear(conversation, "250-mail.example.test\r\n250 PIPELINING\r\n").ready);
  EXPECT_FALSE(conversation.sandbox());
  EXPECT_FALSE(conversation.Offers("SMTPUTF8"));
  Envelope big;
  big.size = 1'000;
  EXPECT_EQ(conversation.Refusal(big), nullptr) << "SIZE was said in the clear";
}

TEST(Conversation, ASandboxMaySaySoAgainThroughTls) {
  Conversation conversation(Options(true));
  Secure(conversation);
  Hear(conversation, "250-pharos-sandbox\r\n250 PIPELINING\r\n");
  EXPECT_TRUE(conversation.sandbox());
  Conversation old(Options(true));
  Secure(old);
  Hear(old, "500 what?\r\n");
  Hear(old, "250 pharos-sandbox\r\n");
  EXPECT_TRUE(old.sandbox());
}

TEST(Conversation, InTrialModeTheGreetingDecidesWhetherToGoOn) {
  Conversation conversation(Options(false));
  Secure(conversation);
  EXPECT_TRUE(conversation.sandbox());
  Conversation real(Options(false));
  EXPECT_TRUE(Hear(real, "220 mail.example.test\r\n").close);
}

}  // namespace
}  // namespace pharos::smtp
