// engaged(campaign, event, days): how it is written, what it counts, and who is meant after links and
// unlinks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "services/audience/people_index.h"
#include "services/base/errors.h"

namespace pharos::audience {
namespace {

using customer::internal::v1::FollowPeopleResponse;
using engagement::internal::v1::EngagedPeople;
using engagement::internal::v1::FollowEngagementResponse;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr int64_t kDayUs = 24ll * 3600 * 1'000'000;
constexpr int64_t kNow = 1'790'000'000'000'000;

std::string Message(const std::string& filter) {
  const auto predicate = CompileFilter(filter);
  return predicate.ok() ? "it compiles" : std::string(predicate.status().message());
}

TEST(EngagedFilterTest, IsAFunctionOfCampaignEventAndDays) {
  const auto full = CompileFilter("engaged(\"campaigns/flu\", delivered, 30)");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->kind, Predicate::Kind::kEngaged);
  EXPECT_EQ(full->text, "campaigns/flu");
  EXPECT_EQ(full->event, EngagementEvent::kDelivered);
  EXPECT_EQ(full->high, 30);
  EXPECT_EQ(CompileFilter("engaged(flu, \"OPTED_OUT\")")->text, "campaigns/flu");
  EXPECT_EQ(CompileFilter("engaged(flu, opted_out)")->high, 0);
  EXPECT_EQ(CompileFilter("engaged(\"*\", replied, 0)")->text, "*");
  EXPECT_EQ(CompileFilter("engaged(*, replied)")->text, "*");
  EXPECT_EQ(
      CampaignsIn(*CompileFilter("engaged(flu, sent) AND NOT (engaged(flu, failed) OR engaged(*, sent, 7))")),
      (std::vector<std::string>{"campaigns/flu", "*"}));
}

TEST(EngagedFilterTest, ErrorsNamePositionAndNearestName) {
  EXPECT_THAT(Message("engagd(flu, sent)"),
              HasSubstr("character 1: there is no function \"engagd\"; did you mean \"engaged\"?"));
  EXPECT_THAT(Message("engaged(flu, deliverd)"),
              HasSubstr("character 14: there is no event \"deliverd\"; did you mean \"delivered\"?"));
  EXPECT_THAT(Message("engaged(flu, opened)"), HasSubstr("Known: sent, delivered, failed"));
  EXPECT_THAT(Message("engaged(flu)"), HasSubstr("character 1: engaged takes 2 or 3 values"));
  EXPECT_THAT(Message("engaged(flu, sent, 3, 4)"), HasSubstr("engaged takes 2 or 3 values"));
  for (const char* days : {"\"7\"", "soon", "367", "99999", "7*", "-1"}) {
    EXPECT_THAT(Message(std::string("engaged(flu, sent, ") + days + ")"),
                HasSubstr("character 20: expected a number of days from 1 to 366"))
        << days;
  }
  EXPECT_THAT(Message("engaged(\"campaigns/Flu!\", sent)"),
              HasSubstr("character 9: expected the name of a campaign"));
  EXPECT_THAT(Message("engaged(\"flu*\", sent)"), HasSubstr("character 9: no * here"));
  EXPECT_THAT(Message("engaged = sent"), HasSubstr("character 1"));
  EXPECT_THAT(Message("has(engaged)"), HasSubstr("character 5"));
}

class EngagedTest : public testing::Test {
 protected:
  EngagedTest() {
    for (const char* person : {"a", "b", "c"}) Bring(person);
  }
  void Bring(const std::string& id, const std::vector<std::string>& former = {}, bool gone = false) {
    FollowPeopleResponse response;
    auto& person = *response.add_people();
    person.set_person("people/" + id);
    person.set_gone(gone);
    for (const auto& each : former) person.add_former_names("people/" + each);
    response.set_cursor(++position_);
    index_->Apply(response);
  }
  void Had(const std::string& id, const std::string& campaign, EngagedPeople::Event event, int days_ago = 0) {
    FollowEngagementResponse response;
    auto& engaged = *response.add_engaged();
    engaged.set_campaign("campaigns/" + campaign);
    engaged.set_event(event);
    engaged.set_time_us(kNow - days_ago * kDayUs);
    engaged.add_people("people/" + id);
    response.set_position(events_ + 1);
    ASSERT_TRUE(index_->ApplyEngagement(response, events_++));
  }
  std::set<std::string> Who(const std::string& filter, int64_t now_us = kNow) {
    std::set<std::string> ids;
    const auto predicate = CompileFilter(filter);
    EXPECT_TRUE(predicate.ok()) << predicate.status();
    const auto status = index_->Read(now_us, [&](const PeopleIndex::Reader& reader) {
      const PeopleSet people = reader.Match(*predicate);
      EXPECT_EQ(reader.Count(*predicate), static_cast<int64_t>(people.Count()));
      reader.ForEachId(people, [&](PersonNo, std::string_view id) { return ids.emplace(id).second; });
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok());
    return ids;
  }
  void SaveAndLoad() {
    const std::string path = testing::TempDir() + "engaged_test_index";
    ASSERT_TRUE(index_->Save(path).ok());
    index_ = PeopleIndex::New();
    const absl::Status loaded = index_->Load(path);
    std::remove(path.c_str());
    ASSERT_TRUE(loaded.ok()) << loaded;
  }

  std::unique_ptr<PeopleIndex> index_ = PeopleIndex::New();
  uint64_t position_ = 0, events_ = 0;
};

TEST_F(EngagedTest, CountsByCampaignEventAndDays) {
  Had("a", "flu", EngagedPeople::EVENT_SENT, 40);
  Had("b", "flu", EngagedPeople::EVENT_SENT, 6);
  Had("b", "flu", EngagedPeople::EVENT_DELIVERED, 6);
  Had("c", "quit", EngagedPeople::EVENT_SENT, 0);
  EXPECT_THAT(Who("engaged(flu, sent)"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Who("engaged(flu, sent, 7)"), UnorderedElementsAre("b"));
  EXPECT_THAT(Who("engaged(flu, sent, 6)"), IsEmpty());
  EXPECT_THAT(Who("engaged(flu, delivered)"), UnorderedElementsAre("b"));
  EXPECT_THAT(Who("engaged(\"*\", sent)"), UnorderedElementsAre("a", "b", "c"));
  EXPECT_THAT(Who("engaged(\"*\", sent, 1)"), UnorderedElementsAre("c"));
  EXPECT_THAT(Who("engaged(\"*\", sent, 41) AND NOT engaged(flu, delivered)"),
              UnorderedElementsAre("a", "c"));
  EXPECT_THAT(Who("engaged(nothing-yet, sent)"), IsEmpty());
  EXPECT_THAT(Who("NOT engaged(nothing-yet, sent)"), UnorderedElementsAre("a", "b", "c"));
}

TEST_F(EngagedTest, WhoFollowedALinkHasClicked) {
  Had("a", "flu", EngagedPeople::EVENT_FOLLOWED, 3);
  Had("b", "flu", EngagedPeople::EVENT_SENT, 3);
  EXPECT_THAT(Who("engaged(flu, clicked)"), UnorderedElementsAre("a"));
  EXPECT_THAT(Who("engaged(flu, clicked, 2)"), IsEmpty());
  SaveAndLoad();
  EXPECT_THAT(Who("engaged(\"*\", clicked, 4)"), UnorderedElementsAre("a"));
}

TEST_F(EngagedTest, TheLastTimeCountsInWhateverOrderItIsHeard) {
  Had("a", "flu", EngagedPeople::EVENT_REPLIED, 10);
  Had("a", "flu", EngagedPeople::EVENT_REPLIED, 2);
  Had("a", "flu", EngagedPeople::EVENT_REPLIED, 30);
  EXPECT_THAT(Who("engaged(flu, replied, 3)"), UnorderedElementsAre("a"));
  EXPECT_THAT(Who("engaged(flu, replied, 2)"), IsEmpty());
}

TEST_F(EngagedTest, WhatIsOlderThanAllWindowsIsStillKnown) {
  Had("a", "flu", EngagedPeople::EVENT_SENT, kMostEngagedDays - 1);
  Had("b", "flu", EngagedPeople::EVENT_SENT, kMostEngagedDays + 200);
  Had("c", "flu", EngagedPeople::EVENT_SENT, 0);
  EXPECT_THAT(Who("engaged(flu, sent, 366)"), UnorderedElementsAre("a", "c"));
  EXPECT_THAT(Who("engaged(flu, sent)"), UnorderedElementsAre("a", "b", "c"));
  SaveAndLoad();
  EXPECT_THAT(Who("engaged(flu, sent, 366)"), UnorderedElementsAre("a", "c"));
  EXPECT_THAT(Who("engaged(flu, sent)"), UnorderedElementsAre("a", "b", "c"));
}

TEST_F(EngagedTest, FormerNamesAreWhoeverBearsThemNow) {
  Had("a", "flu", EngagedPeople::EVENT_SENT);
  Bring("b", {"a"});
  Bring("a", {}, true);
  EXPECT_THAT(Who("engaged(flu, sent)"), UnorderedElementsAre("b"));
  Had("a", "quit", EngagedPeople::EVENT_SENT);  // planned before the link
  EXPECT_THAT(Who("engaged(quit, sent)"), UnorderedElementsAre("b"));
  SaveAndLoad();
  EXPECT_THAT(Who("engaged(flu, sent) AND engaged(quit, sent)"), UnorderedElementsAre("b"));
  // Unlinked: it is theirs again, and no longer the other's.
  Bring("b");
  Bring("a");
  EXPECT_THAT(Who("engaged(flu, sent)"), UnorderedElementsAre("a"));
  EXPECT_THAT(Who("engaged(\"*\", sent)"), UnorderedElementsAre("a"));
  Had("a", "flu", EngagedPeople::EVENT_DELIVERED);
  EXPECT_THAT(Who("engaged(flu, delivered)"), UnorderedElementsAre("a"));
  // Gone for good.
  Bring("a", {}, true);
  EXPECT_THAT(Who("engaged(\"*\", sent)"), IsEmpty());
}

TEST_F(EngagedTest, ContinuesWhereItStandsAndNowhereElse) {
  Had("a", "flu", EngagedPeople::EVENT_SENT);
  FollowEngagementResponse response;
  response.set_position(9);
  EXPECT_FALSE(index_->ApplyEngagement(response, 5));
  EXPECT_EQ(index_->engagement_position(), 1u);
  SaveAndLoad();
  EXPECT_EQ(index_->engagement_position(), 1u);
  EXPECT_TRUE(index_->ApplyEngagement(response, 1));
  EXPECT_TRUE(index_->WaitForEngagement(9, 0).ok());
  EXPECT_EQ(base::ReasonOf(index_->WaitForEngagement(10, 0)), "ENGAGEMENT_BEHIND");
  index_->ResetEngagement();
  EXPECT_THAT(Who("engaged(flu, sent)"), IsEmpty());
  index_->Reset();
  EXPECT_FALSE(index_->ApplyEngagement(response, 0)) << "nobody is there to be found";
}

TEST_F(EngagedTest, OfTooManyCampaignsTheOldestIsOnlySomeCampaign) {
  Had("a", "first", EngagedPeople::EVENT_SENT, 300);
  for (size_t n = 0; n < kMostEngagedCampaigns; ++n)
    Had("b", "later-" + std::to_string(n), EngagedPeople::EVENT_SENT, 20);
  EXPECT_TRUE(index_->IsFolded("campaigns/first"));
  EXPECT_FALSE(index_->IsFolded("campaigns/later-0"));
  EXPECT_THAT(Who("engaged(\"*\", sent)"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Who("engaged(\"*\", sent, 300)"), UnorderedElementsAre("b"));
  EXPECT_THAT(Who("engaged(\"*\", sent, 301)"), UnorderedElementsAre("a", "b"));
  SaveAndLoad();
  EXPECT_TRUE(index_->IsFolded("campaigns/first"));
  EXPECT_THAT(Who("engaged(\"*\", sent, 301)"), UnorderedElementsAre("a", "b"));
}

}  // namespace
}  // namespace pharos::audience
