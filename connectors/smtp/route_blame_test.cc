#include "connectors/smtp/route_blame.h"

#include <gtest/gtest.h>

namespace pharos::smtp {
namespace {

class RouteBlameTest : public testing::Test {
 protected:
  work::Rejected Weighed(const std::string& address, Stage stage, const std::string& line) {
    ReplyReader reader;
    Reply reply;
    std::string in = line + "\r\n";
    reader.Read(in, reply);
    auto rejected = RejectedFor(stage, reply);
    blame_.Weigh(address, rejected);
    return rejected;
  }
  work::Rejected Policy(const std::string& address) {
    return Weighed(address, Stage::kRecipient, "550 5.7.1 not here");
  }
  RouteBlame blame_;
};

TEST_F(RouteBlameTest, OneRecipientsPolicyFailsItsMessageOnly) {
  for (int i = 0; i < 10; ++i) {
    auto rejected = Policy("anna@example.test");
    EXPECT_EQ(rejected.reason(), "POLICY");
    EXPECT_EQ(rejected.scope(), work::REFUSAL_SCOPE_UNSPECIFIED);
    EXPECT_FALSE(rejected.transient());
    EXPECT_EQ(rejected.retry_after_ms(), 0);
    EXPECT_FALSE(rejected.hard_bounce()) << "nobody is marked for it";
  }
}

TEST_F(RouteBlameTest, SeveralInARowBlameTheRouteUntilOneIsAccepted) {
  Policy("a@example.test");
  Policy("b@example.test");
  blame_.Accepted();
  Policy("c@example.test");
  EXPECT_FALSE(Policy("d@example.test").transient()) << "it works, so it is not the route";
  for (const char* address : {"e@example.test", "f@example.test", "e@example.test"}) {
    EXPECT_EQ(Policy(address).scope(), work::ROUTE) << address;
    EXPECT_TRUE(Policy(address).transient()) << address;
  }
}

TEST_F(RouteBlameTest, RefusalsOfAnotherKindAreCountedByThemselves) {
  Policy("a@example.test");
  Policy("b@example.test");
  auto sender = Weighed("c@example.test", Stage::kMail, "553 5.1.8 bad sender");
  EXPECT_EQ(sender.scope(), work::REFUSAL_SCOPE_UNSPECIFIED);
  EXPECT_EQ(sender.reason(), "POLICY");
  EXPECT_FALSE(sender.transient());
}

TEST_F(RouteBlameTest, ARefusalOfOurAccountFailsNoMessage) {
  for (const char* line : {"530 5.7.0 authenticate first", "535 5.7.8 wrong", "530 who are you"}) {
    auto rejected = Weighed("a@example.test", Stage::kMail, line);
    EXPECT_TRUE(rejected.transient()) << line;
    EXPECT_GT(rejected.retry_after_ms(), 0) << line;
    EXPECT_EQ(rejected.scope(), work::REFUSAL_SCOPE_UNSPECIFIED) << line;
  }
}

TEST_F(RouteBlameTest, OtherRefusalsAreLeftAsTheyAre) {
  auto rejected = Weighed("a@example.test", Stage::kRecipient, "550 5.1.1 nobody");
  EXPECT_TRUE(rejected.hard_bounce());
  EXPECT_EQ(Weighed("a@example.test", Stage::kRecipient, "451 4.7.1 later").scope(), work::DOMAIN);
}

}  // namespace
}  // namespace pharos::smtp
