#include "services/campaign/campaign_world_test.h"

namespace pharos::campaign {
namespace {

using Stub = v1::CampaignService::Stub;

class CampaignTest : public CampaignWorld {};

TEST_F(CampaignTest, SubmitApproveLaunchFinish) {
  Draft();
  auto submitted = Do("maya", &Stub::SubmitCampaign);
  ASSERT_TRUE(submitted.ok()) << submitted.status().message();
  EXPECT_EQ(submitted->state(), v1::IN_REVIEW);
  EXPECT_EQ(submitted->author(), "principals/maya");
  EXPECT_EQ(submitted->matched(), submitted->members() + submitted->excluded().at("OPTED_OUT"));
  EXPECT_EQ(submitted->purpose_class(), type::v1::PURPOSE_CLASS_PUBLIC_TASK);
  EXPECT_EQ(audiences_.pinned_for, "principals/maya");
  EXPECT_EQ(Report().intents(), 0);

  auto approved = Approve("sam", submitted->digest());
  ASSERT_TRUE(approved.ok()) << approved.status().message();
  EXPECT_EQ(approved->approver(), "principals/sam");
  auto launched = Do("maya", &Stub::LaunchCampaign);
  ASSERT_TRUE(launched.ok());
  EXPECT_EQ(launched->launch_time_us(), clock_.WallMicros());
  ASSERT_TRUE(Becomes([&] { return State() == v1::FINISHED; }));

  const v1::Report report = Report();
  EXPECT_EQ(report.intents(), Audiences::kMembers);
  EXPECT_EQ(report.delivered(), Audiences::kMembers);
  EXPECT_EQ(report.members(), Audiences::kMembers);
  EXPECT_EQ(dispatch_.step.sms_body(), "Dear ((first name)), stop smoking.");
  EXPECT_EQ(dispatch_.step.sms_sender(), "60163");
  EXPECT_EQ(dispatch_.existing, 0);
}

TEST_F(CampaignTest, TheAuthorMayNotApprove) {
  Draft();
  auto submitted = Do("maya", &Stub::SubmitCampaign);
  auto refused = Approve("maya", submitted->digest()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(base::ReasonOf(refused), "APPROVER_IS_AUTHOR");
  EXPECT_EQ(State(), v1::IN_REVIEW);
}

TEST_F(CampaignTest, ApprovalIsForTheDigestThatWasShown) {
  Draft();
  ASSERT_TRUE(Do("maya", &Stub::SubmitCampaign).ok());
  auto refused = Approve("sam", std::string(64, '0')).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(base::ReasonOf(refused), "DIGEST_MISMATCH");
  EXPECT_EQ(State(), v1::IN_REVIEW);
}

TEST_F(CampaignTest, AnEditVoidsTheApproval) {
  Draft();
  const std::string shown = Do("maya", &Stub::SubmitCampaign)->digest();
  ASSERT_TRUE(Approve("sam", shown).ok());
  ASSERT_TRUE(UpdateTemplate("quit", "Quite another text.", "v1").ok());
  auto draft = Do("sam", &Stub::RejectCampaign);
  ASSERT_TRUE(draft.ok());
  EXPECT_EQ(draft->state(), v1::DRAFT);
  EXPECT_TRUE(draft->pin().empty() && draft->digest().empty() && draft->approver().empty());
  EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::LaunchCampaign).status()), "CAMPAIGN_STATE");
  auto again = Do("maya", &Stub::SubmitCampaign);
  EXPECT_EQ(again->template_version(), 2u);
  EXPECT_NE(again->digest(), shown);
  EXPECT_EQ(base::ReasonOf(Approve("sam", shown).status()), "DIGEST_MISMATCH");
}

TEST_F(CampaignTest, WhatWasApprovedIsSentThoughTheTemplateHasChanged) {
  Draft();
  auto submitted = Do("maya", &Stub::SubmitCampaign);
  ASSERT_TRUE(UpdateTemplate("quit", "Quite another text.", "v1").ok());
  ASSERT_TRUE(Approve("sam", submitted->digest()).ok());
  ASSERT_TRUE(Do("maya", &Stub::LaunchCampaign).ok());
  ASSERT_TRUE(Becomes([&] { return State() == v1::FINISHED; }));
  EXPECT_EQ(dispatch_.step.sms_body(), "Dear ((first name)), stop smoking.");
}

TEST_F(CampaignTest, ACrashInTheMiddleOfPlanningPlansEachMemberOnce) {
  {
    base::MutexLock lock(dispatch_.mutex);
    dispatch_.lose_answer_of_page = 2;  // written, but nobody heard
    dispatch_.delivering = false;
  }
  Launch();
  ASSERT_TRUE(Becomes([&] { return Look<bool>([](Dispatch& d) { return d.pages >= 2; }); }));
  Down();
  EXPECT_LE(Look<size_t>([](Dispatch& d) { return d.intents.size(); }), size_t{Audiences::kMembers});
  Boot();
  ASSERT_TRUE(Becomes([&] { return AllPlanned(); }));
  EXPECT_EQ(Look<int64_t>([](Dispatch& d) { return d.existing; }), 1000)
      << "only the page without an answer is planned again";
  EXPECT_EQ(State(), v1::RUNNING);
  Look<int>([](Dispatch& d) {
    d.delivering = true;
    return 0;
  });
  ASSERT_TRUE(Becomes([&] { return State() == v1::FINISHED; }));
  EXPECT_EQ(Report().intents(), Audiences::kMembers);
}

TEST_F(CampaignTest, APauseHoldsBeforeItIsAnswered) {
  Look<int>([](Dispatch& d) {
    d.delivering = false;
    return 0;
  });
  Launch();
  ASSERT_TRUE(Becomes([&] { return AllPlanned(); }));
  ASSERT_TRUE(Do("maya", &Stub::PauseCampaign).ok());
  EXPECT_EQ(Look<int>([](Dispatch& d) { return d.steering; }), plan::HOLD);
  ASSERT_TRUE(Do("maya", &Stub::ResumeCampaign).ok());
  ASSERT_TRUE(Becomes([&] { return Look<bool>([](Dispatch& d) { return d.steering == plan::GO; }); }));
}

TEST_F(CampaignTest, APausedCampaignIsHeldAgainAfterARestart) {
  Look<int>([](Dispatch& d) {
    d.delivering = false;
    return 0;
  });
  Launch();
  ASSERT_TRUE(Becomes([&] { return AllPlanned(); }));
  ASSERT_TRUE(Do("maya", &Stub::PauseCampaign).ok());
  Down();
  Look<int>([](Dispatch& d) {
    d.steering = plan::GO;
    return 0;
  });
  Boot();
  EXPECT_TRUE(Becomes([&] { return Look<bool>([](Dispatch& d) { return d.steering == plan::HOLD; }); }));
}

TEST_F(CampaignTest, AStopTellsTheTruthAndTellsItAgain) {
  Look<int>([](Dispatch& d) {
    d.delivering = false;
    d.left = 7;
    return 0;
  });
  Launch();
  ASSERT_TRUE(Becomes([&] { return AllPlanned(); }));
  for (int i = 0; i < 2; ++i) {
    auto stopped = Do("maya", &Stub::StopCampaign, "stop-1");
    ASSERT_TRUE(stopped.ok()) << stopped.status().message();
    EXPECT_EQ(stopped->campaign().state(), v1::STOPPED);
    EXPECT_EQ(stopped->left(), 7);
    EXPECT_EQ(stopped->not_sent(), Audiences::kMembers - 7);
  }
  EXPECT_EQ(Look<int>([](Dispatch& d) { return d.halts; }), 1);
  EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::ResumeCampaign).status()), "CAMPAIGN_STATE");
}

TEST_F(CampaignTest, AStopIsKeptThoughDispatchIsAway) {
  Look<int>([](Dispatch& d) {
    d.delivering = false;
    return 0;
  });
  Launch();
  ASSERT_TRUE(Becomes([&] { return AllPlanned(); }));
  Look<int>([](Dispatch& d) {
    d.away = true;
    return 0;
  });
  auto unheard = Do("maya", &Stub::StopCampaign, "stop-1").status();
  EXPECT_EQ(unheard.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(base::ReasonOf(unheard), "STEERING_UNCONFIRMED");
  EXPECT_EQ(State(), v1::STOPPED);
  Down();
  Boot();
  Look<int>([](Dispatch& d) {
    d.away = false;
    return 0;
  });
  ASSERT_TRUE(Becomes([&] { return Look<bool>([](Dispatch& d) { return d.steering == plan::HALT; }); }))
      << "nobody asked again";
  EXPECT_EQ(Do("maya", &Stub::StopCampaign)->not_sent(), Audiences::kMembers);
}

TEST_F(CampaignTest, AStopBeforeAnythingIsPlannedSendsNothing) {
  Look<int>([](Dispatch& d) {
    d.away = true;
    return 0;
  });
  Launch();
  EXPECT_FALSE(Do("maya", &Stub::StopCampaign).ok());
  Look<int>([](Dispatch& d) {
    d.away = false;
    return 0;
  });
  ASSERT_TRUE(Becomes([&] { return Do("maya", &Stub::StopCampaign).ok(); }));
  EXPECT_EQ(Do("maya", &Stub::StopCampaign)->not_sent(), Audiences::kMembers);
  EXPECT_TRUE(Look<bool>([](Dispatch& d) { return d.intents.empty() && d.steering != plan::GO; }));
}

TEST_F(CampaignTest, ARepeatedRequestGetsTheFirstAnswer) {
  Draft();
  auto first = Do("maya", &Stub::SubmitCampaign, "submit-1");
  auto again = Do("maya", &Stub::SubmitCampaign, "submit-1");
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->SerializeAsString(), again->SerializeAsString());
  EXPECT_EQ(audiences_.pin_requests.size(), 1u);
  auto refused = Do("maya", &Stub::SubmitCampaign, "submit-2").status();
  EXPECT_EQ(base::ReasonOf(refused), "CAMPAIGN_STATE");
  EXPECT_EQ(base::FactsOf(refused)->metadata["allowed"], "approve,reject");
}

TEST_F(CampaignTest, ADraftNamesThingsThatExist) {
  EXPECT_EQ(base::ReasonOf(CreateCampaign("quit").status()), "TEMPLATE_NOT_FOUND");
  ASSERT_TRUE(CreateTemplate("quit", "x").ok());
  ASSERT_TRUE(CreateCampaign("quit").ok());
  EXPECT_EQ(base::ReasonOf(CreateCampaign("quit").status()), "CAMPAIGN_EXISTS");
  EXPECT_EQ(base::ReasonOf(CreateCampaign("Quit").status()), "ID_WRONG");
}

TEST_F(CampaignTest, ListsTheNewestFirst) {
  ASSERT_TRUE(CreateTemplate("quit", "x").ok());
  for (std::string id : {"b", "c", "a"}) {
    clock_.Advance(1000);
    ASSERT_TRUE(CreateCampaign(id).ok());
  }
  v1::ListCampaignsRequest request;
  request.set_page_size(2);
  auto page = As("maya", *campaigns_, &Stub::ListCampaigns, request);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->campaigns_size(), 2);
  EXPECT_EQ(page->campaigns(0).name(), "campaigns/a");
  request.set_page_token(page->next_page_token());
  page = As("maya", *campaigns_, &Stub::ListCampaigns, request);
  ASSERT_EQ(page->campaigns_size(), 1);
  EXPECT_EQ(page->campaigns(0).name(), "campaigns/b");
}

}  // namespace
}  // namespace pharos::campaign
