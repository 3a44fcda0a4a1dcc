#include "ops/cli/send_rules.h"

#include <gmock/gmock.h>

namespace pharos::cli {
namespace {

using ::testing::ElementsAre;

absl::StatusOr<type::v1::SendRules> RulesOf(const std::vector<std::string>& words) {
  std::vector<Option> options = RuleOptions();
  options.push_back({"any-day", "", ""});
  auto args = Args::Parse(words, options);
  if (!args.ok()) return args.status();
  type::v1::SendRules rules;
  const absl::Status status = SetRules(*args, rules);
  if (!status.ok()) return status;
  return rules;
}

TEST(SendRules, AreSetByWords) {
  const auto rules =
      RulesOf({"--quiet-hours", "20:00-08:00", "--working-days", "--per-second", "50", "--canary=1%",
               "--canary-wait=10m", "--in-doubt=prefer-duplicate", "--in-doubt-after=15m"});
  ASSERT_TRUE(rules.ok()) << rules.status();
  EXPECT_EQ(rules->quiet_from_minute(), 1200);
  EXPECT_EQ(rules->quiet_until_minute(), 480);
  EXPECT_TRUE(rules->working_days_only());
  EXPECT_EQ(rules->most_per_second(), 50);
  EXPECT_EQ(rules->canary_permille(), 10);
  EXPECT_EQ(rules->canary_wait_s(), 600);
  EXPECT_EQ(rules->in_doubt(), type::v1::PREFER_DUPLICATE);
  EXPECT_EQ(rules->in_doubt_after_s(), 900);
  EXPECT_THAT(
      RulesInWords(*rules),
      ElementsAre("quiet from 20:00 to 08:00", "working days only", "at most 50 a second",
                  "first 1%, then 10 minutes to look: held if more than 5% fail, 0.2% complain or 3% opt out",
                  "in doubt for 15 minutes: sent again"));
}

TEST(SendRules, NothingSetIsNothingSaid) {
  EXPECT_THAT(RulesInWords(*RulesOf({})), ElementsAre());
}

TEST(SendRules, RefuseWhatCannotBeMeant) {
  for (const char* wrong : {"--quiet-hours=20-8", "--quiet-hours=20:00", "--quiet-hours=24:00-08:00",
                            "--quiet-hours=08:00-08:00", "--canary=1", "--canary=101%", "--canary=0.05%",
                            "--canary=-1%", "--canary-wait=10", "--canary-wait=8d", "--in-doubt=maybe",
                            "--in-doubt-after=0s", "--per-second=100001", "--per-second=-1"})
    EXPECT_FALSE(RulesOf({wrong}).ok()) << wrong;
  EXPECT_TRUE(RulesOf({"--quiet-hours=none"}).ok());
}

}  // namespace
}  // namespace pharos::cli
