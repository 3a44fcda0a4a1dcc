#include "services/campaign/draft.h"

#include <gtest/gtest.h>

#include <functional>

#include "services/base/errors.h"

namespace pharos::campaign {
namespace {

constexpr int64_t kNow = 1'000'000;

v1::Campaign Draft(std::string sender = "NHS") {
  v1::Campaign draft;
  draft.add_channels(type::v1::CHANNEL_SMS);
  draft.set_sms_sender(sender);
  return draft;
}

TEST(Draft, SendersThatPhonesCanShow) {
  for (std::string good : {"", "NHS", "Public Hlth", "447700900000", "60163", "A&E"})
    EXPECT_TRUE(CheckDraft(Draft(good), kNow).ok()) << good;
  for (std::string bad : {"Public Health", "12", "1234567890123456", "NHS!", "caf\xc3\xa9", " NHS"}) {
    EXPECT_EQ(base::ReasonOf(CheckDraft(Draft(bad), kNow)), "SENDER_WRONG") << bad;
  }
}

TEST(Draft, ChannelsOnceEachAndOnlyThoseThatCarry) {
  v1::Campaign twice = Draft();
  twice.add_channels(type::v1::CHANNEL_SMS);
  EXPECT_EQ(base::ReasonOf(CheckDraft(twice, kNow)), "CHANNEL_REPEATED");
  v1::Campaign none = Draft();
  none.add_channels(type::v1::CHANNEL_UNSPECIFIED);
  EXPECT_EQ(base::ReasonOf(CheckDraft(none, kNow)), "CHANNEL_UNSUPPORTED");
  v1::Campaign both = Draft();
  both.add_channels(type::v1::CHANNEL_EMAIL);
  both.set_email_from("news@quit.example");
  EXPECT_TRUE(CheckDraft(both, kNow).ok());
}

TEST(Draft, RulesHaveBounds) {
  const auto reason = [](const std::function<void(type::v1::SendRules&)>& set) {
    v1::Campaign draft = Draft();
    set(*draft.mutable_rules());
    return base::ReasonOf(CheckDraft(draft, kNow));
  };
  EXPECT_EQ(reason([](auto& r) { r.set_quiet_from_minute(1439); }), "");
  EXPECT_EQ(reason([](auto& r) { r.set_quiet_from_minute(1440); }), "RULES_WRONG");
  EXPECT_EQ(reason([](auto& r) { r.set_quiet_until_minute(-1); }), "RULES_WRONG");
  EXPECT_EQ(reason([](auto& r) { r.set_most_per_second(100'001); }), "RULES_WRONG");
  EXPECT_EQ(reason([](auto& r) { r.set_canary_permille(1001); }), "RULES_WRONG");
  EXPECT_EQ(reason([](auto& r) { r.set_canary_wait_s(-1); }), "RULES_WRONG");
  EXPECT_EQ(reason([](auto& r) { r.set_in_doubt_after_s(604'801); }), "RULES_WRONG");
  EXPECT_EQ(reason([](auto& r) { r.set_in_doubt(static_cast<type::v1::InDoubtPolicy>(3)); }), "RULES_WRONG");
  EXPECT_EQ(reason([](auto& r) { r.set_in_doubt(type::v1::PREFER_DUPLICATE); }), "");
}

TEST(Draft, AnEmailComesFromAPlainAddress) {
  const auto from = [](const std::string& address, const std::string& name = "") {
    v1::Campaign draft = Draft();
    draft.add_channels(type::v1::CHANNEL_EMAIL);
    draft.set_email_from(address);
    draft.set_email_from_name(name);
    return base::ReasonOf(CheckDraft(draft, kNow));
  };
  for (std::string good : {"news@quit.example", "a.b+c@x-y.nhs.uk", "O'Neil@phe.example", "1@2.example"})
    EXPECT_EQ(from(good), "") << good;
  for (std::string bad : {"", "news", "@quit.example", "news@", "news@quit", "a b@quit.example",
                          "a..b@quit.example", ".a@quit.example", "caf\xc3\xa9@quit.example",
                          "a@quit.example>", "News <a@quit.example>", "a@b@quit.example", "a@-x.example",
                          "a@x..example", "a\r\nBcc:x@quit.example", "\"a b\"@quit.example"}) {
    EXPECT_EQ(from(bad), "EMAIL_FROM_WRONG") << bad;
  }
  EXPECT_EQ(from(std::string(65, 'a') + "@quit.example"), "EMAIL_FROM_WRONG");
  EXPECT_EQ(from("a@quit.example", "Quit\r\nBcc: x"), "EMAIL_FROM_NAME_WRONG");
}

TEST(Draft, AScheduleLeavesTimeToSend) {
  const auto schedule = [](int64_t not_before, int64_t not_after) {
    v1::Campaign draft = Draft();
    draft.set_not_before_us(not_before);
    draft.set_not_after_us(not_after);
    return base::ReasonOf(CheckDraft(draft, kNow));
  };
  EXPECT_EQ(schedule(0, 0), "");
  EXPECT_EQ(schedule(kNow - 5, kNow + 5), "");
  EXPECT_EQ(schedule(kNow + 5, 0), "");
  EXPECT_EQ(schedule(0, kNow), "SCHEDULE_WRONG");
  EXPECT_EQ(schedule(kNow + 5, kNow + 5), "SCHEDULE_WRONG");
  EXPECT_EQ(schedule(-1, 0), "SCHEDULE_WRONG");
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
