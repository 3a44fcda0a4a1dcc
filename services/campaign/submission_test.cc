#include "services/campaign/submission.h"

#include <gtest/gtest.h>

#include <functional>

#include "services/base/errors.h"

namespace pharos::campaign {
namespace {

record::v1::CampaignRow Submitted(const std::function<void(v1::Campaign&, Gathered&)>& change =
                                      [](auto&, auto&) {}) {
  record::v1::CampaignRow row;
  row.mutable_campaign()->set_name("campaigns/quit");
  row.mutable_campaign()->set_template_("templates/quit");
  row.mutable_campaign()->set_purpose("purposes/quit");
  row.mutable_campaign()->add_channels(type::v1::CHANNEL_SMS);
  Gathered gathered;
  record::v1::TemplateRow& text = gathered.texts.emplace_back();
  text.set_version(2);
  text.set_digest("body");
  text.set_email_body("body");
  gathered.purpose.set_purpose_class(type::v1::PURPOSE_CLASS_SERVICE);
  gathered.purpose.set_lawful_basis(type::v1::LAWFUL_BASIS_CONSENT);
  gathered.pin.set_name("pins/1");
  gathered.pin.set_digest("members");
  gathered.pin.set_members(3);
  gathered.pin.add_pages("page");
  row.set_revision(4);
  row.mutable_campaign()->set_sms_sender("NHS");
  row.mutable_campaign()->set_email_from("a@quit.example");
  change(*row.mutable_campaign(), gathered);
  Freeze(row, gathered, "principals/maya");
  return row;
}

TEST(Submission, DigestChangesWithEverythingThatIsApproved) {
  const std::string digest = Submitted().campaign().digest();
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_EQ(Submitted().campaign().digest(), digest);
  const std::vector<std::function<void(v1::Campaign&, Gathered&)>> changes = {
      [](v1::Campaign& c, Gathered&) { c.set_name("campaigns/other"); },
      [](v1::Campaign&, Gathered& g) { g.pin.set_name("pins/2"); },
      [](v1::Campaign&, Gathered& g) { g.pin.set_members(4); },
      [](v1::Campaign&, Gathered& g) { g.pin.set_pages(0, "others"); },
      [](v1::Campaign&, Gathered& g) { g.pin.add_pages("more"); },
      [](v1::Campaign&, Gathered& g) { g.purpose.set_version(2); },
      [](v1::Campaign& c, Gathered&) { c.set_not_before_us(1); },
      [](v1::Campaign& c, Gathered&) { c.set_not_after_us(1); },
      [](v1::Campaign& c, Gathered&) { c.set_fallback(true); },
      [](v1::Campaign& c, Gathered&) { c.set_measure_links(true); },
      [](v1::Campaign& c, Gathered&) { c.set_template_("templates/stop"); },
      [](v1::Campaign&, Gathered& g) { g.texts[0].set_version(3); },
      [](v1::Campaign&, Gathered& g) { g.texts[0].set_digest("other"); },
      [](v1::Campaign& c, Gathered&) { c.set_purpose("purposes/other"); },
      [](v1::Campaign&, Gathered& g) { g.purpose.set_purpose_class(type::v1::PURPOSE_CLASS_URGENT); },
      [](v1::Campaign&, Gathered& g) { g.purpose.set_lawful_basis(type::v1::LAWFUL_BASIS_CONTRACT); },
      [](v1::Campaign& c, Gathered&) { c.add_channels(type::v1::CHANNEL_EMAIL); },
      [](v1::Campaign& c, Gathered&) { c.set_sms_sender("60163"); }};
  for (size_t i = 0; i < changes.size(); ++i)
    EXPECT_NE(Submitted(changes[i]).campaign().digest(), digest) << i;
}

TEST(Submission, DigestTellsSendersAuthorsAndRevisionsApart) {
  const auto with_email = [](const std::string& from, const std::string& name) {
    return Submitted([&](v1::Campaign& c, Gathered&) {
             c.add_channels(type::v1::CHANNEL_EMAIL);
             c.set_email_from(from);
             c.set_email_from_name(name);
           })
        .campaign()
        .digest();
  };
  EXPECT_NE(with_email("a@quit.example", ""), with_email("b@quit.example", ""));
  EXPECT_NE(with_email("a@quit.example", ""), with_email("a@quit.example", "Quit"));
  record::v1::CampaignRow row = Submitted();
  Gathered gathered;
  const std::string first = MakeManifest(row, gathered, "principals/maya").SerializeAsString();
  EXPECT_NE(MakeManifest(row, gathered, "principals/sam").SerializeAsString(), first);
  row.set_revision(5);
  EXPECT_NE(MakeManifest(row, gathered, "principals/maya").SerializeAsString(), first);
}

TEST(Submission, AnApprovalIsTakenForWhatIsHeldNow) {
  record::v1::CampaignRow row = Submitted();
  type::v1::SignedApproval approval;
  approval.set_manifest(row.frozen().manifest());
  approval.set_approver("principals/sam");
  approval.set_signature("signature");
  EXPECT_EQ(base::ReasonOf(TakeApproval(row, approval, "principals/eve")), "APPROVAL_UNUSABLE");
  ASSERT_TRUE(TakeApproval(row, approval, "principals/sam").ok());
  EXPECT_EQ(row.campaign().approver(), "principals/sam");
  EXPECT_EQ(row.frozen().approval().signature(), "signature");
  approval.set_manifest("another");
  EXPECT_EQ(base::ReasonOf(TakeApproval(row, approval, "principals/sam")), "DIGEST_MISMATCH");
}

TEST(Submission, ApprovalIsForSomebodyElseAndForThisDigest) {
  const v1::Campaign c = Submitted().campaign();
  EXPECT_TRUE(CheckApproval(c, "principals/sam", c.digest()).ok());
  EXPECT_EQ(base::ReasonOf(CheckApproval(c, "principals/maya", c.digest())), "APPROVER_IS_AUTHOR");
  EXPECT_EQ(base::ReasonOf(CheckApproval(c, "principals/sam", "0")), "DIGEST_MISMATCH");
}

TEST(Submission, VoidForgetsWhatWasFrozen) {
  record::v1::CampaignRow row = Submitted();
  row.mutable_campaign()->set_approver("principals/sam");
  Void(row);
  EXPECT_FALSE(row.has_frozen());
  EXPECT_EQ(row.campaign().members(), 0);
  EXPECT_TRUE(row.campaign().pin().empty() && row.campaign().digest().empty() &&
              row.campaign().approver().empty());
  EXPECT_EQ(row.campaign().template_(), "templates/quit");
}

}  // namespace
}  // namespace pharos::campaign
