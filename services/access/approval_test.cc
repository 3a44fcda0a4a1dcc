// Who may sign what.
#include "services/access/approval.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::access {
namespace {

constexpr int64_t kNow = 1'790'000'000'000'000;

std::string Manifest(const std::string& author) {
  type::v1::CampaignManifest manifest;
  manifest.set_campaign("campaigns/quit");
  manifest.set_author(author);
  return manifest.SerializeAsString();
}
policy::Snapshot With(const std::string& principal, std::vector<std::string> roles,
                      int64_t expire_time_us = 0) {
  policy::Snapshot snapshot;
  snapshot.policy = policy::Policy::Shipped();
  snapshot.callers["digest"] = {principal, std::move(roles), expire_time_us};
  return snapshot;
}
std::string ReasonFor(const std::string& manifest, const policy::Snapshot& snapshot) {
  return base::ReasonOf(MaySign(manifest, "principals/sam", snapshot, kNow).status());
}

TEST(Approval, IsForApproversOfWhatSomebodyElseWrote) {
  EXPECT_TRUE(
      MaySign(Manifest("principals/maya"), "principals/sam", With("principals/sam", {"approver"}), kNow)
          .ok());
  EXPECT_EQ(ReasonFor(Manifest("principals/sam"), With("principals/sam", {"approver"})),
            "APPROVER_IS_AUTHOR");
}

TEST(Approval, IsRefusedWithoutTheRightOfAPerson) {
  const std::string manifest = Manifest("principals/maya");
  EXPECT_EQ(ReasonFor(manifest, With("principals/sam", {"marketing"})), "PERMISSION_MISSING");
  EXPECT_EQ(ReasonFor(manifest, With("principals/sam", {"service"})), "PERMISSION_MISSING");
  EXPECT_EQ(ReasonFor(manifest, With("principals/eve", {"approver"})), "PERMISSION_MISSING");
  EXPECT_EQ(ReasonFor(manifest, With("principals/sam", {"approver"}, kNow)), "PERMISSION_MISSING");
  EXPECT_EQ(ReasonFor(manifest, With("principals/sam", {"approver"}, kNow + 1)), "");
}

TEST(Approval, IsOfAManifest) {
  const policy::Snapshot sam = With("principals/sam", {"approver"});
  EXPECT_EQ(ReasonFor("\xff not a message", sam), "MANIFEST_WRONG");
  EXPECT_EQ(ReasonFor("", sam), "MANIFEST_WRONG");
  EXPECT_EQ(ReasonFor(Manifest(""), sam), "MANIFEST_WRONG");
}

}  // namespace
}  // namespace pharos::access
