// Scripts: what they say, and of whom.
#include "connectors/sandbox/script.h"

#include <gmock/gmock.h>

#include <string>

#include "services/base/errors.h"

namespace pharos::sandbox {
namespace {

TEST(Script, SaysWhatBecomesOfANumber) {
  auto script = Script::Parse(
      "# a comment\n"
      "sms to=4477009001* share=100 status=RTHROTTLED times=2   # and another\n"
      "\n"
      "sms to=* receipts=UNDELIV,DELIVRD copies=3 form=tlv reply=\"please stop it\" "
      "receipt-delay=uniform:1ms:9ms\n");
  ASSERT_TRUE(script.ok()) << script.status();
  ASSERT_EQ(script->sms.size(), 2u);
  EXPECT_EQ(script->sms[0].status, smpp::kThrottled);
  EXPECT_EQ(script->sms[0].target.share, 100);
  const SmsRule& second = script->sms[1];
  EXPECT_THAT(second.states,
              testing::ElementsAre(smpp::MessageState::kUndeliverable, smpp::MessageState::kDelivered));
  EXPECT_EQ(second.reply, "please stop it");
  EXPECT_FALSE(second.with_text);
  EXPECT_EQ(second.receipt_after->last_us, 9'000);
}

TEST(Script, NamesTheLineAndTheWordThatIsWrong) {
  for (const char* wrong :
       {"sms status=RNONSENSE", "sms tarif=5", "mail rcpt=hello", "sms delay=5", "post to=*",
        "sms reply=\"no end", "sms share=1001", "mail dsn=klingon", "sms delay=tail:0ms:5ms"}) {
    auto script = Script::Parse(std::string("\n") + wrong + "\n");
    ASSERT_FALSE(script.ok()) << wrong;
    EXPECT_EQ(base::ReasonOf(script.status()), "SCRIPT_WRONG");
    EXPECT_THAT(std::string(script.status().message()), testing::HasSubstr("line 2"));
  }
}

TEST(Script, ReadsStatusesByNameAndNumber) {
  EXPECT_EQ(StatusNamed("ESME_RMSGQFUL"), 0x14u);
  EXPECT_EQ(StatusNamed("RSYSERR"), 0x08u);
  EXPECT_EQ(StatusNamed("0x400"), 0x400u);
  EXPECT_EQ(StatusNamed("88"), 0x58u);
  EXPECT_EQ(StatusNamed("0xzz"), std::nullopt);
}

TEST(Script, AStarStandsForAnything) {
  EXPECT_TRUE(Fits("4477*", "447700900123"));
  EXPECT_TRUE(Fits("*@slow.example", "sam@slow.example"));
  EXPECT_TRUE(Fits("*.17@*", "full.17@example.org"));
  EXPECT_FALSE(Fits("4477*", "44880"));
  EXPECT_FALSE(Fits("*@slow.example", "sam@slow.example.org"));
}

TEST(Follower, TheSameSeedChoosesTheSameNumbers) {
  auto script = *Script::Parse("sms share=100 silent\n");
  Follower one("sms", 7), again("sms", 7), other("sms", 8);
  int chosen = 0, differ = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string number = std::to_string(447'911'000'000 + i);
    const bool hit = one.Find(script.sms, number) != nullptr;
    EXPECT_EQ(hit, again.Find(script.sms, number) != nullptr);
    differ += hit != (other.Find(script.sms, number) != nullptr);
    chosen += hit;
  }
  EXPECT_NEAR(chosen, 1'000, 150);
  EXPECT_GT(differ, 500);
}

TEST(Follower, ARuleForSomeTimesGivesWayToTheNext) {
  auto script = *Script::Parse("sms status=RSYSERR times=2\nsms status=RMSGQFUL\n");
  Follower follower("sms", 1);
  for (uint32_t status : {0x08u, 0x08u, 0x14u, 0x14u})
    EXPECT_EQ(follower.Find(script.sms, "447")->status, status);
  EXPECT_EQ(follower.Find(script.sms, "448")->status, 0x08u);  // counted for each number
}

TEST(Timing, ABucketAdmitsItsRate) {
  Bucket bucket(100, 10);
  int admitted = 0;
  for (int64_t now = 0; now < 10'000'000; now += 1'000) admitted += bucket.Take(now);
  EXPECT_NEAR(admitted, 1'000 + 10, 2);
}

TEST(Timing, TheTailIsHeavyAndEndsWhereItSays) {
  const Delay delay = *ReadDelay("tail:20ms:10s");
  EXPECT_EQ(delay.At(UINT64_MAX), 10'000'000);
  EXPECT_NEAR(double(delay.At(uint64_t{1} << 63)), 20'000, 1);
  int slow = 0;
  for (int i = 0; i < 100'000; ++i) slow += delay.At(Hash(1, "x", std::to_string(i))) > 1'000'000;
  EXPECT_GT(slow, 100);
  EXPECT_LT(slow, 2'000);
}

}  // namespace
}  // namespace pharos::sandbox
