// The rule of two people.
#include "services/access/act.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "services/policy/policy.h"

namespace pharos::access {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kNow = 1'790'000'000'000'000;
constexpr std::string_view kOlga = "principals/olga", kGwen = "principals/gwen";

record::v1::ForceRow Trial() {
  record::v1::ForceRow force;
  force.set_policy_version(1);
  return force;
}
v1::ProposeActRequest GoLive() {
  v1::ProposeActRequest request;
  request.set_kind(v1::GO_LIVE);
  request.set_reason("The trial is over.");
  return request;
}
v1::Act Open() {
  return Proposed(GoLive(), Trial(), "a1", kOlga, kNow).value();
}
std::string ReasonOf(const absl::StatusOr<v1::Act>& act) {
  return base::ReasonOf(act.status());
}

TEST(Act, OneProposesAndAnotherConfirms) {
  const v1::Act act = Open();
  EXPECT_EQ(act.name(), "acts/a1");
  EXPECT_EQ(act.state(), v1::PROPOSED);
  const auto done = Confirmed(act, act.digest(), Trial(), kGwen, kNow + 1);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->state(), v1::DONE);
  EXPECT_EQ(done->decider(), kGwen);
  EXPECT_TRUE(After(*done, Trial()).live());
}

TEST(Act, TheProposerNeverConfirms) {
  const auto refused = Confirmed(Open(), Open().digest(), Trial(), kOlga, kNow + 1);
  EXPECT_EQ(ReasonOf(refused), "ACT_NEEDS_SECOND_PERSON");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("second person"));
}

TEST(Act, LapsesAfterADay) {
  const v1::Act act = Open();
  EXPECT_TRUE(Confirmed(act, act.digest(), Trial(), kGwen, kNow + kActLapsesMicros - 1).ok());
  EXPECT_EQ(ReasonOf(Confirmed(act, act.digest(), Trial(), kGwen, kNow + kActLapsesMicros)), "ACT_STATE");
}

TEST(Act, IsConfirmedByTheDigestThatWasSeen) {
  v1::Act act = Open();
  EXPECT_EQ(ReasonOf(Confirmed(act, std::string(64, '0'), Trial(), kGwen, kNow)), "DIGEST_MISMATCH");
  const std::string seen = act.digest();
  act.set_reason("Something else.");
  EXPECT_EQ(ReasonOf(Confirmed(act, seen, Trial(), kGwen, kNow)), "DIGEST_MISMATCH");
  EXPECT_NE(DigestOf(v1::GO_LIVE, "ab", ""), DigestOf(v1::GO_TRIAL, "ab", ""));
  EXPECT_NE(DigestOf(v1::APPLY_POLICY, "a", "b"), DigestOf(v1::APPLY_POLICY, "ab", ""));
}

TEST(Act, IsDecidedOnce) {
  const v1::Act act = Open();
  const v1::Act done = Confirmed(act, act.digest(), Trial(), kGwen, kNow).value();
  const v1::Act withdrawn = Withdrawn(act, kOlga, kNow).value();
  for (const v1::Act& decided : {done, withdrawn}) {
    EXPECT_EQ(ReasonOf(Confirmed(decided, act.digest(), Trial(), kGwen, kNow)), "ACT_STATE");
    EXPECT_EQ(ReasonOf(Withdrawn(decided, kGwen, kNow)), "ACT_STATE");
  }
}

TEST(Act, MustChangeSomething) {
  record::v1::ForceRow live = Trial();
  live.set_live(true);
  EXPECT_EQ(ReasonOf(Proposed(GoLive(), live, "a1", kOlga, kNow)), "MODE_ALREADY");
  EXPECT_EQ(ReasonOf(Confirmed(Open(), Open().digest(), live, kGwen, kNow)), "MODE_ALREADY");
  v1::ProposeActRequest trial;
  trial.set_kind(v1::GO_TRIAL);
  EXPECT_EQ(ReasonOf(Proposed(trial, Trial(), "a1", kOlga, kNow)), "MODE_ALREADY");
  EXPECT_TRUE(Proposed(trial, live, "a1", kOlga, kNow).ok());
  v1::ProposeActRequest same;
  same.set_kind(v1::APPLY_POLICY);
  same.set_policy(std::string(policy::Policy::ShippedText()));
  EXPECT_EQ(ReasonOf(Proposed(same, Trial(), "a1", kOlga, kNow)), "MODE_ALREADY");
}

TEST(Act, APolicyPassesItsOwnTestsOrIsNotEvenProposed) {
  v1::ProposeActRequest request;
  request.set_kind(v1::APPLY_POLICY);
  request.set_policy(std::string(policy::Policy::ShippedText()) +
                     "\n[[tests]]\nroles = [\"analyst\"]\nallow = [\"people.read\"]\n");
  EXPECT_EQ(ReasonOf(Proposed(request, Trial(), "a1", kOlga, kNow)), "POLICY_WRONG");
  request.set_policy(std::string(policy::Policy::ShippedText()) + "# no change\n");
  const auto act = Proposed(request, Trial(), "a1", kOlga, kNow);
  ASSERT_TRUE(act.ok()) << act.status();
  const record::v1::ForceRow after = After(*act, Trial());
  EXPECT_EQ(after.policy(), request.policy());
  EXPECT_EQ(after.policy_version(), 2u);
  EXPECT_FALSE(after.live());
}

TEST(Act, SaysWhatItIs) {
  v1::ProposeActRequest request;
  EXPECT_EQ(ReasonOf(Proposed(request, Trial(), "a1", kOlga, kNow)), "ACT_KIND_WRONG");
  request = GoLive();
  request.set_policy("x");
  EXPECT_EQ(ReasonOf(Proposed(request, Trial(), "a1", kOlga, kNow)), "POLICY_NOT_WANTED");
}

}  // namespace
}  // namespace pharos::access
