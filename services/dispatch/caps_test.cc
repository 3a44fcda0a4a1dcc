#include "services/dispatch/caps.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pharos::dispatch {
namespace {

using record::v1::ContactRow;
using record::v1::IntentKey;
using namespace type::v1;  // NOLINT: classes

constexpr int64_t kDay = 86'400'000'000;
constexpr int64_t kNow = 1'790'000'000'000'000;
constexpr int64_t kWeek = 7 * kDay;

IntentKey Key(const std::string& campaign, const std::string& person = "people/anna",
              const std::string& step = "1") {
  IntentKey key;
  key.set_campaign("campaigns/" + campaign);
  key.set_step(step);
  key.set_person(person);
  return key;
}

bool Over(const IntentKey&) {
  return true;
}
bool Running(const IntentKey&) {
  return false;
}

ContactRow Sent(int count, PurposeClass purpose_class, int64_t at_us = kNow) {
  ContactRow row;
  for (int i = 0; i < count; ++i)
    AddContact(row, Key("c" + std::to_string(i)), purpose_class, at_us, kWeek, Over);
  return row;
}

TEST(Caps, CountWhatWasSentInTheWindow) {
  const ContactRow row = Sent(3, PURPOSE_CLASS_MARKETING);
  EXPECT_TRUE(CapReached(row, 3, 7, kNow));
  EXPECT_FALSE(CapReached(row, 4, 7, kNow));
  EXPECT_TRUE(CapReached(row, 3, 7, kNow + kWeek - 1));
  EXPECT_FALSE(CapReached(row, 3, 7, kNow + kWeek));
}

TEST(Caps, CountAFormerNamesMessagesOnce) {
  ContactRow row = Sent(2, PURPOSE_CLASS_MARKETING);
  ContactRow former;
  AddContact(former, Key("c0"), PURPOSE_CLASS_MARKETING, kNow, kWeek,
             Over);  // tried again under the new name
  AddContact(former, Key("c0", "people/former"), PURPOSE_CLASS_MARKETING, kNow, kWeek, Over);
  AddEntriesOf(former, row);
  EXPECT_TRUE(CapReached(row, 3, 7, kNow));
  EXPECT_FALSE(CapReached(row, 4, 7, kNow));
}

TEST(Caps, AreOffAtNought) {
  const ContactRow row = Sent(50, PURPOSE_CLASS_MARKETING);
  EXPECT_FALSE(CapReached(row, 0, 7, kNow));
  EXPECT_FALSE(CapReached(row, 1, 0, kNow));
}

TEST(Caps, CountServiceAndWithholdOnlyWhatCanWait) {
  CapSettings caps;
  caps.person_most = 2;
  const ContactRow service = Sent(2, PURPOSE_CLASS_SERVICE), urgent = Sent(2, PURPOSE_CLASS_URGENT), none;
  EXPECT_TRUE(IsCapped(PURPOSE_CLASS_MARKETING, service, none, caps, kNow));
  EXPECT_TRUE(IsCapped(PURPOSE_CLASS_PUBLIC_TASK, service, none, caps, kNow));
  EXPECT_FALSE(IsCapped(PURPOSE_CLASS_SERVICE, service, none, caps, kNow));
  EXPECT_FALSE(IsCapped(PURPOSE_CLASS_URGENT, service, none, caps, kNow));
  EXPECT_FALSE(IsCapped(PURPOSE_CLASS_UNSPECIFIED, service, none, caps, kNow));  // an opt-out's confirmation
  EXPECT_FALSE(IsCapped(PURPOSE_CLASS_MARKETING, urgent, none, caps, kNow));
}

TEST(Caps, HoldForTheEndpointAsForThePerson) {
  CapSettings caps;
  caps.endpoint_most = 2;
  const ContactRow shared = Sent(2, PURPOSE_CLASS_MARKETING), none;
  EXPECT_TRUE(IsCapped(PURPOSE_CLASS_MARKETING, none, shared, caps, kNow));
  EXPECT_FALSE(IsCapped(PURPOSE_CLASS_MARKETING, none, none, caps, kNow));
}

TEST(Caps, DoNotCountAMessageAgainstItself) {
  const ContactRow row = Sent(2, PURPOSE_CLASS_MARKETING);
  const IntentKey again = Key("c1");
  EXPECT_TRUE(CapReached(row, 2, 7, kNow));
  EXPECT_FALSE(CapReached(row, 2, 7, kNow, &again));
}

TEST(Contacts, AreEnteredOnceAMessage) {
  ContactRow row = Sent(3, PURPOSE_CLASS_MARKETING);
  EXPECT_EQ(AddContact(row, Key("c0"), PURPOSE_CLASS_MARKETING, kNow + 5, kWeek, Over), 0);
  EXPECT_EQ(row.entries_size(), 3);
  EXPECT_EQ(LastOf(row)->key().campaign(), "campaigns/c0");
  EXPECT_EQ(LastOf(row)->time_us(), kNow + 5);
}

TEST(Contacts, ForgetWhatWasNotHandedOver) {
  ContactRow row = Sent(2, PURPOSE_CLASS_MARKETING);
  EXPECT_TRUE(RemoveContact(row, Key("c1")));
  EXPECT_FALSE(RemoveContact(row, Key("c1")));
  EXPECT_EQ(LastOf(row)->key().campaign(), "campaigns/c0");
  EXPECT_TRUE(RemoveContact(row, Key("c0")));
  EXPECT_EQ(LastOf(row), nullptr);
}

TEST(Contacts, KnowTheClaimOnAnEndpoint) {
  ContactRow row;
  AddContact(row, Key("flu", "people/anna"), PURPOSE_CLASS_SERVICE, kNow, kWeek, Over);
  EXPECT_EQ(ClaimOfAnother(row, Key("flu", "people/anna")), nullptr);
  ASSERT_NE(ClaimOfAnother(row, Key("flu", "people/ben")), nullptr);
  EXPECT_EQ(ClaimOfAnother(row, Key("flu", "people/ben"))->key().person(), "people/anna");
  EXPECT_EQ(ClaimOfAnother(row, Key("flu", "people/ben", "2")), nullptr);
  EXPECT_EQ(ClaimOfAnother(row, Key("other", "people/ben")), nullptr);
  EXPECT_EQ(OfStep(row, "campaigns/flu", "1")->key().person(), "people/anna");
  EXPECT_EQ(OfStep(row, "campaigns/flu", "2"), nullptr);
}

TEST(Contacts, AreTrimmedWhenNothingNeedsThem) {
  ContactRow row = Sent(kContacts, PURPOSE_CLASS_MARKETING, kNow - kWeek);
  EXPECT_EQ(AddContact(row, Key("new"), PURPOSE_CLASS_MARKETING, kNow, kWeek, Over), 0);
  EXPECT_EQ(row.entries_size(), kContacts);
  EXPECT_EQ(row.entries(0).key().campaign(), "campaigns/c1");  // the oldest went
  EXPECT_EQ(LastOf(row)->key().campaign(), "campaigns/new");
}

TEST(Contacts, StayWhileACapLooksAtThem) {
  ContactRow row = Sent(100, PURPOSE_CLASS_MARKETING, kNow - kWeek + 1);
  EXPECT_EQ(AddContact(row, Key("new"), PURPOSE_CLASS_MARKETING, kNow, kWeek, Over), 0);
  EXPECT_EQ(row.entries_size(), 101);
}

TEST(Contacts, StayWhileTheirStepCanStillSend) {
  ContactRow row;
  for (int i = 0; i < 100; ++i)
    AddContact(row, Key("c" + std::to_string(i)), PURPOSE_CLASS_MARKETING, 1, kWeek, Running);
  EXPECT_EQ(row.entries_size(), 100);
  const auto is_over = [](const IntentKey& key) { return key.campaign() != "campaigns/c0"; };
  AddContact(row, Key("new"), PURPOSE_CLASS_MARKETING, kNow, kWeek, is_over);
  EXPECT_EQ(row.entries_size(), kContacts);
  EXPECT_NE(ClaimOfAnother(row, Key("c0", "people/ben")), nullptr);
}

TEST(Contacts, HaveAnEndAndSaySo) {
  ContactRow row;
  int lost = 0;
  for (int i = 0; i < kMostContacts + 10; ++i)
    lost += AddContact(row, Key("c" + std::to_string(i)), PURPOSE_CLASS_MARKETING, kNow, kWeek, Running);
  EXPECT_EQ(lost, 10);
  EXPECT_EQ(row.entries_size(), kMostContacts);
  EXPECT_EQ(row.entries(0).key().campaign(), "campaigns/c10");
}

TEST(Contacts, KeepTheNewestWhateverItsTime) {
  ContactRow row = Sent(kContacts, PURPOSE_CLASS_MARKETING, kNow);
  AddContact(row, Key("clock went back"), PURPOSE_CLASS_MARKETING, kNow - 100 * kDay, -kWeek, Over);
  EXPECT_EQ(LastOf(row)->key().campaign(), "campaigns/clock went back");
}

TEST(Contacts, LoseNothingThatIsNeededWhateverComes) {
  std::mt19937 random(11);
  ContactRow row;
  std::set<std::string> running;
  std::vector<std::pair<std::string, int64_t>> all;
  int64_t now = kNow;
  for (int i = 0; i < 3000; ++i) {
    now += static_cast<int64_t>(random() % 43'200) * 1'000'000;
    const std::string campaign = "c" + std::to_string(i);
    if (random() % 20 == 0) running.insert("campaigns/" + campaign);
    if (random() % 20 == 0) running.clear();
    const auto is_over = [&](const IntentKey& key) { return !running.contains(key.campaign()); };
    ASSERT_EQ(AddContact(row, Key(campaign), PURPOSE_CLASS_SERVICE, now, kWeek, is_over), 0);
    all.push_back({"campaigns/" + campaign, now});
    for (size_t j = all.size() > 300 ? all.size() - 300 : 0; j < all.size(); ++j) {
      const bool needed = all[j].second > now - kWeek || running.contains(all[j].first);
      if (needed) {
        ASSERT_NE(OfStep(row, all[j].first, "1"), nullptr) << all[j].first;
      }
    }
  }
}

}  // namespace
}  // namespace pharos::dispatch
