#include <chrono>
#include <future>

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
  EXPECT_EQ(report.accepted_by_channel().at("CHANNEL_SMS"), Audiences::kMembers);
  EXPECT_EQ(dispatch_.step.content().sms_body(), "Dear ((first name)), stop smoking.");
  EXPECT_EQ(dispatch_.manifest.routes(0).sender(), "60163");
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

TEST_F(CampaignTest, WhoSendsItBackSaysWhy) {
  Draft();
  ASSERT_TRUE(Do("maya", &Stub::SubmitCampaign).ok());
  v1::RejectCampaignRequest request;
  request.set_name("campaigns/quit");
  request.set_reason("The clinic is closed in August.");
  const auto draft = As("sam", *campaigns_, &Stub::RejectCampaign, request);
  ASSERT_TRUE(draft.ok());
  EXPECT_EQ(draft->returned_reason(), "The clinic is closed in August.");
  EXPECT_EQ(draft->returned_by(), "principals/sam");

  v1::Campaign wanted = Wanted();
  wanted.set_returned_reason("none");
  const auto edited = UpdateCampaign(wanted, draft->etag());
  ASSERT_TRUE(edited.ok());
  EXPECT_EQ(edited->returned_reason(), "The clinic is closed in August.");

  const auto again = Do("maya", &Stub::SubmitCampaign);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->returned_reason() + again->returned_by(), "");
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
  EXPECT_EQ(dispatch_.step.content().sms_body(), "Dear ((first name)), stop smoking.");
}

TEST_F(CampaignTest, WhatIsApprovedIsTheSignedManifest) {
  ASSERT_TRUE(CreateEmailTemplate("quit", "Stop.", "News for ((first name))", "# Stop\n\nNow.").ok());
  v1::Campaign wanted = WantedWithEmail();
  wanted.set_not_before_us(clock_.WallMicros() + 1000);
  wanted.set_not_after_us(clock_.WallMicros() + 9'000'000'000);
  ASSERT_TRUE(CreateCampaign("quit", wanted).ok());
  auto submitted = Do("maya", &Stub::SubmitCampaign);
  ASSERT_TRUE(submitted.ok()) << submitted.status().message();
  EXPECT_EQ(audiences_.channels, (std::vector<int>{type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL}));
  ASSERT_TRUE(Approve("sam", submitted->digest()).ok());
  ASSERT_TRUE(Do("maya", &Stub::LaunchCampaign).ok());
  ASSERT_TRUE(Becomes([&] { return State() == v1::FINISHED; })) << "every page as it was pinned";

  const type::v1::SignedApproval& approval = dispatch_.step.approval();
  EXPECT_EQ(base::ToHex(base::Sha256(approval.manifest())), submitted->digest());
  EXPECT_EQ(approval.approver(), "principals/sam");
  const type::v1::CampaignManifest& m = dispatch_.manifest;
  EXPECT_EQ(m.campaign(), "campaigns/quit");
  EXPECT_EQ(m.author(), "principals/maya");
  EXPECT_EQ(m.pin(), submitted->pin());
  EXPECT_EQ(m.members(), Audiences::kMembers);
  EXPECT_EQ(m.member_pages_size(), 3);
  EXPECT_EQ(m.purpose_version(), 3u);
  EXPECT_EQ(m.purpose_class(), type::v1::PURPOSE_CLASS_PUBLIC_TASK);
  EXPECT_EQ(m.lawful_basis(), type::v1::LAWFUL_BASIS_PUBLIC_TASK);
  EXPECT_EQ(m.templates(0).digest(), content::DigestOf("Stop.", "News for ((first name))", "# Stop\n\nNow."));
  ASSERT_EQ(m.routes_size(), 2);
  EXPECT_EQ(m.routes(0).channel(), type::v1::CHANNEL_SMS);
  EXPECT_EQ(m.routes(1).sender(), "news@quit.example");
  EXPECT_EQ(m.routes(1).sender_name(), "Quit team");
  EXPECT_EQ(m.not_before_us(), wanted.not_before_us());
  EXPECT_EQ(m.not_after_us(), wanted.not_after_us());
  EXPECT_TRUE(m.fallback());
  EXPECT_EQ(dispatch_.step.content().email_body(), "# Stop\n\nNow.");
}

TEST_F(CampaignTest, AnyUpdateVoidsWhatWasSubmittedOrApproved) {
  Draft();
  for (const bool approve : {false, true}) {
    auto shown = Do("maya", &Stub::SubmitCampaign);
    ASSERT_TRUE(shown.ok()) << shown.status().message();
    std::string etag = shown->etag();
    if (approve) etag = Approve("sam", shown->digest())->etag();
    v1::Campaign wanted = Wanted();
    wanted.set_display_name("Only the name");
    EXPECT_EQ(base::ReasonOf(UpdateCampaign(wanted, "").status()), "ETAG_MISSING");
    EXPECT_EQ(base::ReasonOf(UpdateCampaign(wanted, "r1").status()), "ETAG_MISMATCH");
    auto draft = UpdateCampaign(wanted, etag);
    ASSERT_TRUE(draft.ok()) << draft.status().message();
    EXPECT_EQ(draft->state(), v1::DRAFT);
    EXPECT_EQ(draft->display_name(), "Only the name");
    EXPECT_TRUE(draft->pin().empty() && draft->digest().empty() && draft->approver().empty() &&
                draft->members() == 0);
    EXPECT_EQ(base::ReasonOf(Approve("sam", shown->digest()).status()), "CAMPAIGN_STATE");
    EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::LaunchCampaign).status()), "CAMPAIGN_STATE");
    auto again = Do("maya", &Stub::SubmitCampaign);
    EXPECT_NE(again->digest(), shown->digest());
    EXPECT_EQ(base::ReasonOf(Approve("sam", shown->digest()).status()), "DIGEST_MISMATCH");
    ASSERT_TRUE(Do("sam", &Stub::RejectCampaign).ok());
  }
}

TEST_F(CampaignTest, ALaunchedCampaignIsNotUpdated) {
  Launch();
  const std::string etag = Do("maya", &Stub::GetCampaign)->etag();
  EXPECT_EQ(base::ReasonOf(UpdateCampaign(Wanted(), etag).status()), "CAMPAIGN_STATE");
}

TEST_F(CampaignTest, AnEditWhileTheApprovalIsSignedVoidsIt) {
  Draft();
  auto submitted = Do("maya", &Stub::SubmitCampaign);
  access_.before_signing = [&] {
    ASSERT_TRUE(UpdateCampaign(Wanted(), submitted->etag()).ok());
    ASSERT_TRUE(Do("maya", &Stub::SubmitCampaign).ok());
  };
  EXPECT_EQ(base::ReasonOf(Approve("sam", submitted->digest()).status()), "DIGEST_MISMATCH");
  EXPECT_EQ(State(), v1::IN_REVIEW);
}

TEST_F(CampaignTest, WithoutASignatureNothingIsApproved) {
  Draft();
  auto submitted = Do("maya", &Stub::SubmitCampaign);
  access_.away = true;
  EXPECT_EQ(Approve("sam", submitted->digest()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(State(), v1::IN_REVIEW);
  access_.away = false;
  EXPECT_TRUE(Approve("sam", submitted->digest()).ok());
}

TEST_F(CampaignTest, ARetiredPurposeIsNotSubmittedFor) {
  Draft();
  purposes_.retired = true;
  EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::SubmitCampaign).status()), "PURPOSE_RETIRED");
  EXPECT_TRUE(audiences_.pin_requests.empty());
  EXPECT_EQ(State(), v1::DRAFT);
}

TEST_F(CampaignTest, AChannelNeedsASenderAndAText) {
  ASSERT_TRUE(CreateTemplate("quit", "Only an SMS").ok());
  EXPECT_EQ(base::ReasonOf(CreateCampaign("quit", WantedWithEmail()).status()), "TEMPLATE_LACKS_CHANNEL");
  v1::Campaign no_sender = WantedWithEmail();
  no_sender.clear_email_from();
  EXPECT_EQ(base::ReasonOf(CreateCampaign("quit", no_sender).status()), "EMAIL_FROM_WRONG");
  ASSERT_TRUE(CreateEmailTemplate("mail", "", "News", "Only an email").ok());
  v1::Campaign sms = Wanted();
  sms.set_template_("templates/mail");
  EXPECT_EQ(base::ReasonOf(CreateCampaign("quit", sms).status()), "TEMPLATE_LACKS_CHANNEL");
}

TEST_F(CampaignTest, TheTextIsCheckedAgainWhenItIsFrozen) {
  ASSERT_TRUE(CreateEmailTemplate("quit", "Stop.", "News", "Stop.").ok());
  ASSERT_TRUE(CreateCampaign("quit", WantedWithEmail()).ok());
  ASSERT_TRUE(UpdateTemplate("quit", "Only an SMS", "v1").ok());
  EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::SubmitCampaign).status()), "TEMPLATE_LACKS_CHANNEL");
}

TEST_F(CampaignTest, WhatHasEndedIsNeitherSubmittedNorLaunched) {
  ASSERT_TRUE(CreateTemplate("quit", "x").ok());
  v1::Campaign wanted = Wanted();
  wanted.set_not_after_us(clock_.WallMicros() + 1'000'000);
  ASSERT_TRUE(CreateCampaign("quit", wanted).ok());
  auto submitted = Do("maya", &Stub::SubmitCampaign);
  ASSERT_TRUE(Approve("sam", submitted->digest()).ok());
  clock_.Advance(1'000'000);
  EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::LaunchCampaign).status()), "SCHEDULE_PASSED");
  ASSERT_TRUE(Do("sam", &Stub::RejectCampaign).ok());
  EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::SubmitCampaign).status()), "SCHEDULE_PASSED");
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

TEST_F(CampaignTest, EachWordHasALaterRevisionThanTheOneBefore) {
  Look<int>([](Dispatch& d) {
    d.delivering = false;
    return 0;
  });
  const auto revision = [&] { return Look<uint64_t>([](Dispatch& d) { return d.revision; }); };
  Launch();
  ASSERT_TRUE(Becomes([&] { return AllPlanned(); }));
  const uint64_t launched = revision();
  EXPECT_GT(launched, 0u);
  ASSERT_TRUE(Do("maya", &Stub::PauseCampaign).ok());
  const uint64_t paused = revision();
  EXPECT_GT(paused, launched);
  ASSERT_TRUE(Do("maya", &Stub::ResumeCampaign).ok());
  ASSERT_TRUE(Becomes([&] { return revision() > paused; }));
}

class LaunchesTest : public CampaignWorld {
 protected:
  // The pages in the order in which they were planned, where another campaign is launched while the first
  // page of "quit" is.
  std::vector<std::string> PagesWith(const std::string& other, bool urgent) {
    std::promise<void> heard, let_go;
    Look<int>([&](Dispatch& d) {
      d.delivering = false;
      d.before_page = [&] {
        heard.set_value();
        let_go.get_future().wait();
      };
      return 0;
    });
    Launch();
    heard.get_future().wait();
    purposes_.urgent = urgent;
    LaunchAnother(other);
    let_go.set_value();
    EXPECT_TRUE(Becomes([&] { return Look<bool>([](Dispatch& d) { return d.page_order.size() == 6; }); }));
    return Look<std::vector<std::string>>([](Dispatch& d) { return d.page_order; });
  }
  void LaunchAnother(const std::string& id) {
    ASSERT_TRUE(CreateCampaign(id).ok());
    v1::SubmitCampaignRequest submit;
    submit.set_name("campaigns/" + id);
    const auto submitted = As("maya", *campaigns_, &Stub::SubmitCampaign, submit);
    ASSERT_TRUE(submitted.ok()) << submitted.status().message();
    v1::ApproveCampaignRequest approve;
    approve.set_name(submit.name());
    approve.set_digest(submitted->digest());
    ASSERT_TRUE(As("sam", *campaigns_, &Stub::ApproveCampaign, approve).ok());
    v1::LaunchCampaignRequest launch;
    launch.set_name(submit.name());
    ASSERT_TRUE(As("maya", *campaigns_, &Stub::LaunchCampaign, launch).ok());
  }
};

TEST_F(LaunchesTest, TakeTurns) {
  const std::string first = "campaigns/quit", second = "campaigns/second";
  EXPECT_EQ(PagesWith("second", false),
            (std::vector<std::string>{first, first, second, first, second, second}));
}

TEST_F(LaunchesTest, AnUrgentOneGoesFirst) {
  const std::string first = "campaigns/quit", second = "campaigns/urgent";
  EXPECT_EQ(PagesWith("urgent", true),
            (std::vector<std::string>{first, second, second, second, first, first}));
}

TEST_F(CampaignTest, AStopDoesNotWaitForAnEarlierWord) {
  std::promise<void> heard, let_go;
  Look<int>([&](Dispatch& d) {
    d.delivering = false;
    d.before_answer_to_go = [&] {
      heard.set_value();
      let_go.get_future().wait();
    };
    return 0;
  });
  Launch();
  heard.get_future().wait();  // the loop's GO hangs at dispatch
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(Do("maya", &Stub::StopCampaign).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_EQ(Look<int>([](Dispatch& d) { return d.halts; }), 1);
  let_go.set_value();
  EXPECT_EQ(State(), v1::STOPPED);
}

TEST_F(CampaignTest, APersonLetsAHeldCanaryGoOn) {
  Look<int>([](Dispatch& d) {
    d.delivering = false;
    d.held = "6 of 100 canary messages failed";
    return 0;
  });
  Launch();
  ASSERT_TRUE(Becomes([&] { return AllPlanned(); }));
  EXPECT_EQ(State(), v1::RUNNING);
  EXPECT_EQ(Report().held(), "6 of 100 canary messages failed");
  Down();
  Boot();  // a new start says GO again: that is nobody's decision
  ASSERT_TRUE(Do("maya", &Stub::PauseCampaign).ok());
  EXPECT_EQ(Report().held(), "") << "it is paused";
  ASSERT_TRUE(Do("maya", &Stub::ResumeCampaign).ok());
  ASSERT_TRUE(Becomes([&] { return Look<bool>([](Dispatch& d) { return d.steering == plan::GO; }); }));
  EXPECT_EQ(Look<int>([](Dispatch& d) { return d.went_on; }), 0);

  ASSERT_TRUE(Do("maya", &Stub::ResumeCampaign).ok());
  EXPECT_EQ(Look<int>([](Dispatch& d) { return d.went_on; }), 1);
  EXPECT_EQ(Report().held(), "");
  ASSERT_TRUE(Do("maya", &Stub::ResumeCampaign).ok()) << "nothing holds it any more: nothing to say";
  EXPECT_EQ(Look<int>([](Dispatch& d) { return d.went_on; }), 1);
}

TEST_F(CampaignTest, ADecisionThatDispatchDidNotHearIsMadeAgain) {
  Look<int>([](Dispatch& d) {
    d.delivering = false;
    d.held = "6 of 100 canary messages failed";
    return 0;
  });
  Launch();
  ASSERT_TRUE(Becomes([&] { return AllPlanned(); }));
  Look<int>([](Dispatch& d) {
    d.before_answer_to_go = [&d] {
      base::MutexLock lock(d.mutex);
      d.away = true;
    };
    return 0;
  });
  EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::ResumeCampaign, "go-1").status()), "GO_ON_UNHEARD");
  Look<int>([](Dispatch& d) {
    d.away = false;
    return 0;
  });
  EXPECT_TRUE(Do("maya", &Stub::ResumeCampaign, "go-1").ok());
  EXPECT_EQ(Look<int>([](Dispatch& d) { return d.went_on; }), 1);
}

TEST_F(CampaignTest, MarketingIsNotSentAtTheRiskOfADuplicate) {
  ASSERT_TRUE(CreateTemplate("quit", "x").ok());
  v1::Campaign wanted = Wanted();
  wanted.mutable_rules()->set_in_doubt(type::v1::PREFER_DUPLICATE);
  ASSERT_TRUE(CreateCampaign("quit", wanted).ok());
  purposes_.marketing = true;
  EXPECT_EQ(base::ReasonOf(Do("maya", &Stub::SubmitCampaign).status()), "DUPLICATES_NOT_ALLOWED");
  purposes_.marketing = false;
  EXPECT_TRUE(Do("maya", &Stub::SubmitCampaign).ok());
}

TEST_F(CampaignTest, RulesArePartOfWhatIsApproved) {
  ASSERT_TRUE(CreateTemplate("quit", "x").ok());
  v1::Campaign wanted = Wanted();
  wanted.mutable_rules()->set_quiet_from_minute(20 * 60);
  wanted.mutable_rules()->set_quiet_until_minute(8 * 60);
  wanted.mutable_rules()->set_canary_permille(10);
  ASSERT_TRUE(CreateCampaign("quit", wanted).ok());
  auto shown = Do("maya", &Stub::SubmitCampaign);
  ASSERT_TRUE(Approve("sam", shown->digest()).ok());
  auto got = Do("maya", &Stub::GetCampaign);
  EXPECT_EQ(got->rules().SerializeAsString(), wanted.rules().SerializeAsString());

  wanted.mutable_rules()->set_canary_permille(0);
  auto edited = UpdateCampaign(wanted, got->etag());
  ASSERT_TRUE(edited.ok()) << edited.status().message();
  EXPECT_EQ(edited->state(), v1::DRAFT);
  auto again = Do("maya", &Stub::SubmitCampaign);
  EXPECT_NE(again->digest(), shown->digest());
  ASSERT_TRUE(Approve("sam", again->digest()).ok());
  ASSERT_TRUE(Do("maya", &Stub::LaunchCampaign).ok());
  ASSERT_TRUE(Becomes([&] { return State() == v1::FINISHED; }));
  EXPECT_EQ(dispatch_.manifest.rules().SerializeAsString(), wanted.rules().SerializeAsString());
  EXPECT_EQ(Report().complained(), 3);
  EXPECT_EQ(Report().parts(), 2 * Audiences::kMembers);
  EXPECT_EQ(Report().cost_micropounds(), int64_t{22'700} * 2 * Audiences::kMembers);
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
  EXPECT_EQ(base::FactsOf(refused)->metadata["allowed"], "approve,reject,update");
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

TEST_F(CampaignTest, CountingLinksIsApprovedAndReportedByAddress) {
  ASSERT_TRUE(
      CreateEmailTemplate("quit", "Stop.", "News", "[one](https://a.example/1) [two](https://a.example/2)")
          .ok());
  v1::Campaign wanted = WantedWithEmail();
  wanted.set_measure_links(true);
  ASSERT_TRUE(CreateCampaign("quit", wanted).ok());
  auto submitted = Do("maya", &Stub::SubmitCampaign);
  ASSERT_TRUE(submitted.ok()) << submitted.status().message();
  EXPECT_TRUE(submitted->measure_links());
  ASSERT_TRUE(Approve("sam", submitted->digest()).ok());
  ASSERT_TRUE(Do("maya", &Stub::LaunchCampaign).ok());
  ASSERT_TRUE(Becomes([&] { return State() == v1::FINISHED; }));
  EXPECT_TRUE(dispatch_.manifest.measure_links());
  const v1::Report report = Report();
  EXPECT_EQ(report.followed(), 2);
  ASSERT_EQ(report.followed_links_size(), 2);
  EXPECT_EQ(report.followed_links(0).url(), "https://a.example/1");
  EXPECT_EQ(report.followed_links(0).followed(), 0);
  EXPECT_EQ(report.followed_links(1).url(), "https://a.example/2");
  EXPECT_EQ(report.followed_links(1).link(), 2);
  EXPECT_EQ(report.followed_links(1).followed(), 2);

  wanted.set_measure_links(false);
  EXPECT_FALSE(UpdateCampaign(wanted, Do("maya", &Stub::GetCampaign)->etag()).ok()) << "it has gone out";
}

}  // namespace
}  // namespace pharos::campaign
