#include "services/campaign/standing.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/campaign/submission.h"

namespace pharos::campaign {
namespace {

v1::Campaign Standing() {
  v1::Campaign draft;
  draft.set_name("campaigns/booking");
  draft.set_kind(type::v1::STANDING);
  draft.set_template_("templates/booked");
  draft.add_more_templates("templates/moved");
  draft.set_source("sources/booking");
  draft.add_channels(type::v1::CHANNEL_SMS);
  draft.add_channels(type::v1::CHANNEL_EMAIL);
  return draft;
}

record::v1::TemplateRow Text(bool single) {
  record::v1::TemplateRow row;
  row.set_name("templates/booked");
  row.set_sms_body("See you on ((date))");
  row.set_single_messages(single);
  row.set_version(3);
  return row;
}

std::string ReasonAfter(void (*change)(v1::Campaign&)) {
  v1::Campaign draft = Standing();
  change(draft);
  return base::ReasonOf(CheckKind(draft));
}

TEST(Standing, HasASourceAndNoAudienceNoCanaryNoFallback) {
  EXPECT_TRUE(CheckKind(Standing()).ok());
  EXPECT_EQ(ReasonAfter([](v1::Campaign& c) { c.set_audience("audiences/all"); }), "STANDING_WRONG");
  EXPECT_EQ(ReasonAfter([](v1::Campaign& c) { c.clear_source(); }), "STANDING_WRONG");
  EXPECT_EQ(ReasonAfter([](v1::Campaign& c) { c.mutable_rules()->set_canary_permille(1); }),
            "STANDING_WRONG");
  EXPECT_EQ(ReasonAfter([](v1::Campaign& c) { c.set_fallback(true); }), "STANDING_WRONG");
  EXPECT_EQ(ReasonAfter([](v1::Campaign& c) { c.set_measure_links(true); }), "STANDING_WRONG");
  EXPECT_EQ(ReasonAfter([](v1::Campaign& c) { c.add_more_templates("templates/booked"); }), "STANDING_WRONG");
}

TEST(Standing, AnyOtherCampaignNeedsAnAudience) {
  v1::Campaign bulk;
  EXPECT_EQ(base::ReasonOf(CheckKind(bulk)), "AUDIENCE_MISSING");
  bulk.set_audience("audiences/all");
  EXPECT_TRUE(CheckKind(bulk).ok());
  bulk.set_source("sources/booking");
  EXPECT_EQ(base::ReasonOf(CheckKind(bulk)), "STANDING_WRONG");
}

TEST(Standing, TemplatesAreForOneKindOrTheOther) {
  EXPECT_TRUE(CheckTemplateFor(Standing(), Text(true)).ok());  // one channel's text is enough
  EXPECT_EQ(base::ReasonOf(CheckTemplateFor(Standing(), Text(false))), "TEMPLATE_KIND_WRONG");
  v1::Campaign bulk;
  bulk.add_channels(type::v1::CHANNEL_SMS);
  EXPECT_EQ(base::ReasonOf(CheckTemplateFor(bulk, Text(true))), "TEMPLATE_KIND_WRONG");
  v1::Campaign email = Standing();
  email.clear_channels();
  email.add_channels(type::v1::CHANNEL_EMAIL);
  EXPECT_EQ(base::ReasonOf(CheckTemplateFor(email, Text(true))), "TEMPLATE_LACKS_CHANNEL");
}

TEST(Standing, WhatIsApprovedNamesEveryTemplateAndTheSource) {
  record::v1::CampaignRow row;
  *row.mutable_campaign() = Standing();
  Gathered gathered;
  gathered.texts = {Text(true), Text(true)};
  const auto manifest = MakeManifest(row, gathered, "principals/maya");
  EXPECT_EQ(manifest.kind(), type::v1::STANDING);
  EXPECT_EQ(manifest.source(), "sources/booking");
  ASSERT_EQ(manifest.templates_size(), 2);
  EXPECT_EQ(manifest.templates(1).step(), "2");
  EXPECT_EQ(manifest.templates(1).template_(), "templates/moved");
  Freeze(row, gathered, "principals/maya");
  EXPECT_EQ(row.frozen().more_contents_size(), 1);
  EXPECT_EQ(row.campaign().template_versions().at("templates/moved"), 3u);
  Void(row);
  EXPECT_TRUE(row.campaign().template_versions().empty());
}

}  // namespace
}  // namespace pharos::campaign
