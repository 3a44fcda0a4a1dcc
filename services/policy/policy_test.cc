#include "services/policy/policy.h"

#include <fmt/format.h>

#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::policy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A small policy that is good; `more` follows it, from line 8 on.
std::string With(std::string_view more) {
  return fmt::format(
      "[roles.keeper]\n"
      "about = \"Keeps everything.\"\n"
      "may = [\"acts.propose\", \"acts.confirm\", \"acts.read\", \"principals.write\"]\n"
      "[[tests]]\n"
      "roles = [\"keeper\"]\n"
      "allow = [\"acts.propose\"]\n"
      "deny = [\"people.read\"]\n{}",
      more);
}
std::string ProblemOf(std::string_view text) {
  const auto parsed = Policy::Parse(text);
  EXPECT_EQ(base::ReasonOf(parsed.status()), "POLICY_WRONG");
  return std::string(parsed.status().message());
}

TEST(Policy, TheOneThatShipsPassesItsTests) {
  int tests = 0;
  EXPECT_THAT(Policy::ProblemsOf(Policy::ShippedText(), &tests), IsEmpty());
  EXPECT_GT(tests, 100);
  EXPECT_THAT(Policy::Shipped()->roles(),
              ElementsAre("analyst", "approver", "connector", "governance", "marketing", "operator",
                          "partner", "sender", "service"));
}

TEST(Policy, AddsUpTheRolesOfACaller) {
  const auto policy = Policy::Shipped();
  EXPECT_FALSE(policy->AnyAllows({"marketing"}, "campaigns.approve"));
  EXPECT_TRUE(policy->AnyAllows({"marketing", "approver"}, "campaigns.approve"));
  EXPECT_FALSE(policy->AnyAllows({}, "self.read"));
  EXPECT_FALSE(policy->AnyAllows({"no-such-role"}, "self.read"));
  EXPECT_THAT(policy->PermissionsOf({"connector"}), ElementsAre("connectors.work", "self.read"));
  EXPECT_EQ(policy->PermissionsOf({"service"}), KnownPermissions());
}

TEST(Policy, ATestThatFailsIsNamedWithItsLine) {
  const std::string problem =
      ProblemOf(With("[[tests]]\nabout = \"Keepers count.\"\nroles = [\"keeper\"]\n"
                     "allow = [\n  \"people.count\",\n]\n"));
  EXPECT_THAT(problem, HasSubstr("line 12: test fails: keeper may not people.count (\"Keepers count.\")"));
  EXPECT_THAT(ProblemOf(With("[[tests]]\nroles = [\"keeper\"]\ndeny = [\"acts.read\"]\n")),
              HasSubstr("line 10: test fails: keeper may acts.read"));
}

TEST(Policy, AWordThatIsNotKnownNamesTheNearest) {
  EXPECT_THAT(ProblemOf(With("[roles.x]\nabout = \"x\"\nmay = [\"people.raed\"]\n")),
              HasSubstr("line 10: there is no permission \"people.raed\"; did you mean \"people.read\"?"));
  EXPECT_THAT(ProblemOf(With("[[tests]]\nroles = [\"keper\"]\ndeny = [\"people.read\"]\n")),
              HasSubstr("line 9: there is no role \"keper\"; did you mean \"keeper\"?"));
  EXPECT_THAT(ProblemOf(With("[roles.x]\nabout = \"x\"\nmai = []\n")), HasSubstr("did you mean \"may\"?"));
}

TEST(Policy, WhatIsNotTomlIsNamedWithItsLine) {
  EXPECT_THAT(ProblemOf("[roles.x]\nabout = \n"), HasSubstr("line 2: not TOML"));
  EXPECT_THAT(ProblemOf(""), HasSubstr("no roles"));
}

TEST(Policy, NothingInternalIsGivenAwayAndBuiltInRolesStay) {
  EXPECT_THAT(ProblemOf(With("[roles.x]\nabout = \"x\"\nmay = [\"keys.use\"]\n")),
              HasSubstr("line 10: keys.use is of calls between Pharos's own processes"));
  EXPECT_THAT(ProblemOf(With("[roles.service]\nabout = \"x\"\nmay = []\n")),
              HasSubstr("line 8: the role \"service\""));
  EXPECT_THAT(ProblemOf(With("[roles.connector]\nabout = \"x\"\nmay = [\"people.read\"]\n")),
              HasSubstr("built in"));
}

TEST(Policy, ItCanAlwaysBeCorrectedAndAlwaysHasTests) {
  EXPECT_THAT(ProblemOf("[roles.x]\nabout = \"x\"\nmay = [\"people.read\"]\n[[tests]]\nroles = [\"x\"]\n"
                        "allow = [\"people.read\"]\n"),
              HasSubstr("no role may acts.propose"));
  const std::string good = With("");
  EXPECT_THAT(ProblemOf(good.substr(0, good.find("[[tests]]"))), HasSubstr("there are no tests"));
}

TEST(Policy, AllProblemsAreListed) {
  int tests = 0;
  const auto problems = Policy::ProblemsOf(
      With("[[tests]]\nroles = [\"keeper\"]\nallow = [\"people.read\", \"people.count\"]\n"), &tests);
  EXPECT_EQ(problems.size(), 2u);
  EXPECT_THAT(problems, Contains(HasSubstr("people.count")));
  EXPECT_EQ(tests, 4);
}

}  // namespace
}  // namespace pharos::policy
