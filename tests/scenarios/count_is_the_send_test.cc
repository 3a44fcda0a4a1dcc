// Promise 6: the count is the send. What an audience counts is what submitting pins, what the approver signs
// and what launching plans. Made true by services/audience/evaluation.cc (one evaluation for count and pin),
// services/audience/pin_store.cc (the pinned members and their digest), services/campaign/submission.cc (what
// is frozen and signed), services/campaign/lifecycle.cc (which verb when) and
// services/campaign/launch_loop.cc (plans the pin).
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

using campaign::v1::Campaign;

class CountIsTheSend : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    std::vector<Contact> contacts;
    for (int i = 0; i < 90; ++i) {
      contacts.push_back({.id = fmt::format("r{}", i), .phone = Phone(i)});
      if (i % 3 == 1) contacts.back().consent = "";
      if (i % 9 == 2) contacts.back().consent = "withdrawn";
      if (i % 10 == 0) contacts.back().phone = "";
    }
    story_.ImportAll(kQuit, FileOf(contacts));
  }

  audience::v1::CountAudienceResponse Count() {
    audience::v1::CountAudienceRequest request;
    request.set_audience(kEverybody);
    request.set_purpose(kPurpose);
    request.add_channels(type::v1::CHANNEL_SMS);
    return Must(story_.marketing.Call<audience::v1::CountAudienceResponse>(
        "audience.v1.AudienceService/CountAudience", request));
  }
  absl::Status Approve(const Client& who, const std::string& digest) {
    campaign::v1::ApproveCampaignRequest request;
    request.set_name("campaigns/quit");
    request.set_digest(digest);
    return who.Call<Campaign>("campaign.v1.CampaignService/ApproveCampaign", request).status();
  }
  absl::Status Launch() {
    campaign::v1::LaunchCampaignRequest request;
    request.set_name("campaigns/quit");
    return story_.marketing.Call<Campaign>("campaign.v1.CampaignService/LaunchCampaign", request).status();
  }
  Campaign Reject() {
    campaign::v1::RejectCampaignRequest request;
    request.set_name("campaigns/quit");
    return Must(story_.approver.Call<Campaign>("campaign.v1.CampaignService/RejectCampaign", request));
  }

  System system_;
  Story story_{system_};
};

TEST_F(CountIsTheSend, CountedPinnedSignedPlannedAndSentAreTheSameNumber) {
  const auto count = Count();
  EXPECT_EQ(count.matched(), 90);
  EXPECT_EQ(count.matched(), count.members() + Total(count.excluded()));
  EXPECT_GT(count.members(), 0);
  story_.Draft("quit");
  const Campaign submitted = story_.Submit("quit");
  EXPECT_EQ(submitted.matched(), count.matched());
  EXPECT_EQ(submitted.members(), count.members());
  EXPECT_EQ(Plain(submitted.excluded()), Plain(count.excluded()));
  story_.Approve(submitted);
  // Somebody who comes after the signature is in no way part of what was signed.
  story_.ImportAll(kQuit, FileOf({{.id = "late", .phone = Phone(500)}}));
  story_.Launch("quit");
  ASSERT_TRUE(story_.Finished("quit"));
  const campaign::v1::Report report = story_.Report("quit");
  ExpectItAddsUp(report);
  EXPECT_EQ(report.intents(), count.members());
  EXPECT_EQ(report.delivered(), count.members());
  const Network network = ReadNetwork(system_.journal());
  EXPECT_EQ(static_cast<int64_t>(network.accepted.size()), count.members());
  EXPECT_EQ(network.MessagesTo(Number(500)), 0);
}

TEST_F(CountIsTheSend, OnlyAnotherPersonSignsAndOnlyWhatTheyHaveSeen) {
  story_.Draft("quit");
  const Client author = system_.As("author");  // might sign what somebody else had submitted
  campaign::v1::SubmitCampaignRequest submit;
  submit.set_name("campaigns/quit");
  const Campaign submitted =
      Must(author.Call<Campaign>("campaign.v1.CampaignService/SubmitCampaign", submit));
  EXPECT_EQ(base::ReasonOf(Approve(author, submitted.digest())), "APPROVER_IS_AUTHOR");
  EXPECT_EQ(base::ReasonOf(Approve(story_.marketing, submitted.digest())), "PERMISSION_MISSING");
  EXPECT_EQ(base::ReasonOf(Approve(story_.approver, std::string(64, '0'))), "DIGEST_MISMATCH");
  EXPECT_EQ(story_.Report("quit").state(), campaign::v1::IN_REVIEW);
  EXPECT_TRUE(Approve(story_.approver, submitted.digest()).ok());
}

TEST_F(CountIsTheSend, NothingUnsignedIsLaunchedAndARejectionVoidsThePin) {
  story_.Draft("quit");
  EXPECT_EQ(base::ReasonOf(Launch()), "CAMPAIGN_STATE");
  const Campaign first = story_.Submit("quit");
  EXPECT_EQ(base::ReasonOf(Launch()), "CAMPAIGN_STATE");
  const Campaign rejected = Reject();
  EXPECT_EQ(rejected.state(), campaign::v1::DRAFT);
  EXPECT_EQ(rejected.digest(), "");
  EXPECT_EQ(rejected.pin(), "");
  EXPECT_EQ(base::ReasonOf(Approve(story_.approver, first.digest())), "CAMPAIGN_STATE");
  EXPECT_EQ(base::ReasonOf(Launch()), "CAMPAIGN_STATE");
  EXPECT_EQ(ReadNetwork(system_.journal()).accepted.size(), 0u);
}

TEST_F(CountIsTheSend, WhatWasSignedIsSentThoughTheTextIsEditedAfter) {
  story_.Draft("quit");
  const Campaign submitted = story_.Submit("quit");
  campaign::v1::GetTemplateRequest get;
  get.set_name(kText);
  campaign::v1::UpdateTemplateRequest update;
  *update.mutable_template_() =
      Must(story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/GetTemplate", get));
  update.mutable_template_()->set_sms_body("Something that nobody signed.");
  Must(story_.marketing.Call<campaign::v1::Template>("campaign.v1.TemplateService/UpdateTemplate", update));
  story_.Approve(submitted);
  story_.Launch("quit");
  ASSERT_TRUE(story_.Finished("quit"));
  for (const Submission& message : ReadNetwork(system_.journal()).accepted) {
    EXPECT_THAT(message.text, ::testing::StartsWith("Hello Ann, help to stop smoking"));
  }
}

}  // namespace
}  // namespace pharos::tests
