#include "services/rpc/credentials.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "services/base/fake_clock.h"

namespace pharos::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CredentialsTest : public ::testing::Test {
 protected:
  // What access says from now on: one caller with this token.
  void Know(const std::string& token, std::vector<std::string> roles, int64_t expire_time_us = 0) {
    policy::Snapshot snapshot;
    snapshot.version = ++version_;
    snapshot.callers[Credentials::DigestOf(token)] = {"principals/ada", std::move(roles), expire_time_us};
    access_.Set(std::move(snapshot));
  }
  std::string ReasonFor(const std::string& token) const {
    return base::ReasonOf(credentials_.Authenticate(token).status());
  }

  base::FakeClock clock_;
  policy::SnapshotHolder access_;
  Credentials credentials_{&access_, &clock_};
  uint64_t version_ = 0;
};

TEST_F(CredentialsTest, KnowsCallersByTheirTokens) {
  Know("secret", {"marketing", "analyst"});
  const auto caller = credentials_.Authenticate("secret");
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->principal, "principals/ada");
  EXPECT_THAT(caller->roles, ElementsAre("marketing", "analyst"));
  EXPECT_FALSE(caller->internal);
  EXPECT_EQ(ReasonFor("Secret"), "CREDENTIAL_UNKNOWN");
  EXPECT_EQ(ReasonFor(""), "CREDENTIAL_UNKNOWN");
  EXPECT_EQ(ReasonFor(Credentials::DigestOf("secret")), "CREDENTIAL_UNKNOWN");
}

TEST_F(CredentialsTest, TheRoleServiceIsInternalAndTheRoleConnectorIsNot) {
  Know("secret", {"service"});
  EXPECT_TRUE(credentials_.Authenticate("secret")->internal);
  Know("secret", {"connector"});
  EXPECT_FALSE(credentials_.Authenticate("secret")->internal);
}

TEST_F(CredentialsTest, AnExpiredTokenIsUnknown) {
  Know("secret", {"marketing"}, clock_.WallMicros() + 10);
  clock_.Advance(9);
  EXPECT_TRUE(credentials_.Authenticate("secret").ok());
  clock_.Advance(1);
  EXPECT_EQ(ReasonFor("secret"), "CREDENTIAL_UNKNOWN");
}

TEST_F(CredentialsTest, ARevokedTokenIsUnknownAtOnce) {
  Know("secret", {"marketing"});
  Know("another", {"marketing"});
  EXPECT_EQ(ReasonFor("secret"), "CREDENTIAL_UNKNOWN");
}

TEST_F(CredentialsTest, BeforeAccessWasHeardOfOnlyOwnTokensAreKnown) {
  Caller self;
  self.principal = "principals/pharosd";
  self.roles = {"service"};
  credentials_.Add("own", self);
  EXPECT_EQ(credentials_.Authenticate("own")->principal, "principals/pharosd");
  const absl::Status away = credentials_.Authenticate("secret").status();
  EXPECT_EQ(away.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(base::ReasonOf(away), "ACCESS_AWAY");
  EXPECT_THAT(std::string(away.message()), HasSubstr("Start access"));
}

}  // namespace
}  // namespace pharos::rpc
