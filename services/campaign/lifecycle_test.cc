#include "services/campaign/lifecycle.h"

#include <gtest/gtest.h>

#include <map>

#include "services/base/errors.h"

namespace pharos::campaign {
namespace {

constexpr Verb kVerbs[] = {Verb::kSubmit, Verb::kApprove, Verb::kReject, Verb::kLaunch, Verb::kPause,
                           Verb::kResume, Verb::kStop,    Verb::kFinish, Verb::kUpdate};

TEST(Lifecycle, EveryStateAndVerb) {
  const std::map<std::pair<int, Verb>, v1::CampaignState> allowed = {
      {{v1::DRAFT, Verb::kSubmit}, v1::IN_REVIEW},  {{v1::IN_REVIEW, Verb::kApprove}, v1::APPROVED},
      {{v1::IN_REVIEW, Verb::kReject}, v1::DRAFT},  {{v1::APPROVED, Verb::kReject}, v1::DRAFT},
      {{v1::APPROVED, Verb::kLaunch}, v1::RUNNING}, {{v1::RUNNING, Verb::kPause}, v1::PAUSED},
      {{v1::RUNNING, Verb::kStop}, v1::STOPPED},    {{v1::RUNNING, Verb::kFinish}, v1::FINISHED},
      {{v1::RUNNING, Verb::kResume}, v1::RUNNING},  {{v1::PAUSED, Verb::kResume}, v1::RUNNING},
      {{v1::PAUSED, Verb::kStop}, v1::STOPPED},     {{v1::STOPPED, Verb::kStop}, v1::STOPPED},
      {{v1::FINISHED, Verb::kStop}, v1::STOPPED},   {{v1::DRAFT, Verb::kUpdate}, v1::DRAFT},
      {{v1::IN_REVIEW, Verb::kUpdate}, v1::DRAFT},  {{v1::APPROVED, Verb::kUpdate}, v1::DRAFT}};
  for (int s = v1::DRAFT; s <= v1::FINISHED; ++s) {
    const auto state = static_cast<v1::CampaignState>(s);
    for (Verb verb : kVerbs) {
      auto next = Next("campaigns/x", state, verb);
      auto expected = allowed.find({s, verb});
      EXPECT_EQ(Allows(state, verb), expected != allowed.end());
      if (expected == allowed.end()) {
        EXPECT_EQ(next.status().code(), absl::StatusCode::kFailedPrecondition);
        EXPECT_EQ(base::ReasonOf(next.status()), "CAMPAIGN_STATE");
      } else {
        ASSERT_TRUE(next.ok()) << v1::CampaignState_Name(state) << " " << VerbName(verb);
        EXPECT_EQ(*next, expected->second);
      }
    }
  }
}

TEST(Lifecycle, RefusalNamesTheStateAndTheVerbsItAllows) {
  auto facts = base::FactsOf(Next("campaigns/x", v1::IN_REVIEW, Verb::kLaunch).status());
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->metadata["state"], "IN_REVIEW");
  EXPECT_EQ(facts->metadata["allowed"], "approve,reject,update");
  EXPECT_EQ(AllowedVerbs(v1::FINISHED), std::vector<std::string>{"stop"});
}

}  // namespace
}  // namespace pharos::campaign
