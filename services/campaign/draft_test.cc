#include "services/campaign/draft.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace pharos::campaign {
namespace {

v1::Campaign Draft(std::string sender = "NHS") {
  v1::Campaign draft;
  draft.add_channels(type::v1::CHANNEL_SMS);
  draft.set_sms_sender(sender);
  return draft;
}

TEST(Draft, SendersThatPhonesCanShow) {
  for (std::string good : {"", "NHS", "Public Hlth", "447700900000", "60163", "A&E"})
    EXPECT_TRUE(CheckDraft(Draft(good)).ok()) << good;
  for (std::string bad : {"Public Health", "12", "1234567890123456", "NHS!", "caf\xc3\xa9", " NHS"}) {
    EXPECT_EQ(base::ReasonOf(CheckDraft(Draft(bad))), "SENDER_WRONG") << bad;
  }
}

TEST(Draft, ChannelsOnceEachAndOnlyThoseThatCarry) {
  v1::Campaign twice = Draft();
  twice.add_channels(type::v1::CHANNEL_SMS);
  EXPECT_EQ(base::ReasonOf(CheckDraft(twice)), "CHANNEL_REPEATED");
  v1::Campaign email = Draft();
  email.add_channels(type::v1::CHANNEL_EMAIL);
  EXPECT_EQ(base::ReasonOf(CheckDraft(email)), "CHANNEL_UNSUPPORTED");
}

TEST(Draft, KeepsOnlyWhatAnAuthorMayChoose) {
  v1::Campaign asked = Draft();
  asked.set_name("campaigns/other");
  asked.set_state(v1::APPROVED);
  asked.set_approver("principals/me");
  asked.set_digest("abc");
  asked.set_purpose("purposes/quit");
  v1::Campaign draft = MakeDraft("campaigns/quit", asked, 7);
  EXPECT_EQ(draft.name(), "campaigns/quit");
  EXPECT_EQ(draft.state(), v1::DRAFT);
  EXPECT_EQ(draft.purpose(), "purposes/quit");
  EXPECT_EQ(draft.create_time_us(), 7);
  EXPECT_TRUE(draft.approver().empty() && draft.digest().empty());
}

}  // namespace
}  // namespace pharos::campaign
