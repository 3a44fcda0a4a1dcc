#include "services/dispatch/mail_site.h"

#include <gtest/gtest.h>

#include <string>

namespace pharos::dispatch {
namespace {

using record::v1::MailSiteRow;

constexpr int64_t kDay = 86'400'000'000;
constexpr int64_t kNow = 20'000 * kDay + 12'345;

TEST(MailSite, RollsUpTheDomainsOfAProvider) {
  const std::pair<const char*, const char*> expected[] = {
      {"anna@gmail.com", "gmail"},
      {"anna@googlemail.com", "gmail"},
      {"anna@Hotmail.CO.UK", "microsoft"},
      {"anna@outlook.com", "microsoft"},
      {"anna@live.com.mt", "microsoft"},
      {"anna@msn.com", "microsoft"},
      {"anna@yahoo.co.uk", "yahoo"},
      {"anna@ymail.com", "yahoo"},
      {"anna@aol.com", "yahoo"},
      {"anna@sky.com", "yahoo"},
      {"anna@me.com", "apple"},
      {"anna@btinternet.com", "bt"},
      {"anna@nhs.net", "nhs"},
      {"anna@ntlworld.com", "virgin"},
      {"anna@smiths.plus.com", "plusnet"},
      {"anna@talktalk.net", "talktalk"},
  };
  for (const auto& [address, site] : expected) {
    EXPECT_EQ(MailSite(address), site) << address;
    EXPECT_TRUE(IsWellKnown(site));
  }
}

TEST(MailSite, LeavesOtherDomainsAsTheyAre) {
  EXPECT_EQ(MailSite("anna@Example.ORG"), "example.org");
  EXPECT_EQ(MailSite("anna@example.org."), "example.org");
  EXPECT_EQ(MailSite("\"a@b\"@example.org"), "example.org");
  EXPECT_EQ(MailSite("anna@xn--bcher-kva.example"), "xn--bcher-kva.example");
  EXPECT_EQ(MailSite("anna@bücher.example"), "bücher.example");
  EXPECT_EQ(MailSite("anna@leeds.nhs.uk"), "leeds.nhs.uk");  // a trust's own servers
  EXPECT_FALSE(IsWellKnown("example.org"));
}

TEST(MailSite, IsNotTakenInByLikeness) {
  for (const char* domain : {"notgmail.com", "gmail.com.example.org", "live.ac.uk", "live.example.co.uk",
                             "yahoo.example", "surplus.com", "hotmail.com.evil.uk"}) {
    EXPECT_EQ(MailSite(std::string("anna@") + domain), domain);
  }
  EXPECT_EQ(MailSite("anna@gmail"), "gmail.");  // a host of that name
  EXPECT_FALSE(IsWellKnown(MailSite("anna@gmail")));
}

TEST(MailSite, OfNoAddressIsEmpty) {
  for (const char* wrong : {"", "anna", "anna@", "@", "anna@."}) EXPECT_EQ(MailSite(wrong), "") << wrong;
  EXPECT_FALSE(IsWellKnown(""));
}

MailSiteRow Row(int64_t sent, int64_t complained, int64_t at_us = kNow) {
  MailSiteRow row;
  AddMailSent(row, at_us, sent);
  AddMailComplaint(row, at_us, complained);
  return row;
}
MailGuardState Guard(int64_t sent, int64_t complained) {
  return MailGuard(Row(sent, complained), kNow).state;
}

TEST(MailGuard, WarnsFromOneInAThousandAndPausesFromTwo) {
  EXPECT_EQ(Guard(100'000, 99), MailGuardState::kOk);
  EXPECT_EQ(Guard(100'000, 100), MailGuardState::kWarn);
  EXPECT_EQ(Guard(100'000, 199), MailGuardState::kWarn);
  EXPECT_EQ(Guard(100'000, 200), MailGuardState::kPause);
  EXPECT_EQ(Guard(0, 0), MailGuardState::kOk);
}

TEST(MailGuard, DoesNotJudgeByOneComplaintOfAFewMessages) {
  EXPECT_EQ(Guard(999, 2), MailGuardState::kOk);
  EXPECT_EQ(Guard(1000, 1), MailGuardState::kWarn);
  EXPECT_EQ(Guard(1000, 2), MailGuardState::kPause);
  EXPECT_EQ(Guard(200, 3), MailGuardState::kPause);
  EXPECT_EQ(Guard(0, 3), MailGuardState::kPause);  // of what was sent before the window
}

TEST(MailGuard, SaysWhyWithoutNamingTheSite) {
  EXPECT_EQ(
      MailGuard(Row(10'000, 25), kNow).why,
      "25 of 10000 emails to this mail site were reported as unwanted in the last 7 days; it is paused from "
      "0.2 %; find out which campaign, and who did not expect it, before more is sent");
  EXPECT_EQ(MailGuard(Row(10'000, 5), kNow).why, "");
}

TEST(MailGuard, LooksAtSevenDays) {
  const MailSiteRow row = Row(1000, 5);
  EXPECT_EQ(MailGuard(row, kNow + 6 * kDay).state, MailGuardState::kPause);
  EXPECT_EQ(MailGuard(row, kNow + 7 * kDay).state, MailGuardState::kOk);
}

TEST(MailGuard, CountsByTheDayAndForgets) {
  MailSiteRow row;
  for (int day = 0; day < 30; ++day) {
    AddMailSent(row, kNow + day * kDay, 100);
    AddMailSent(row, kNow + day * kDay + 5, 1);
    ASSERT_LE(row.days_size(), kMailDays);
  }
  EXPECT_EQ(MailGuard(row, kNow + 29 * kDay).sent, 707);
  AddMailComplaint(row, kNow + 20 * kDay);  // the clock went back
  EXPECT_EQ(row.days(row.days_size() - 1).complained(), 1);
  AddMailSent(row, kNow + 60 * kDay);
  EXPECT_EQ(row.days_size(), 1);
}

}  // namespace
}  // namespace pharos::dispatch
