// Promises 5 and 6 together: what a filter says people did is what happened to them, person by person, also
// after pharosd died; and the next campaign can go to those who did not. Made true by
// services/engagement/feed_service.cc (what happened, in order, nothing passed over),
// services/audience/engagement_client.cc (followed from where the index stands) and engagement_book.cc (who
// that is today).
#include <fmt/format.h>

#include <set>

#include "gmock/gmock.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "tests/support/story.h"

namespace pharos::tests {
namespace {

constexpr int kPeople = 400;

class Engaged : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(system_.ok());
    story_.ImportAll(kQuit, FileOf(kPeople));
  }
  int64_t Count(const std::string& filter) const {
    audience::v1::CountAudienceRequest request;
    request.set_filter(filter);
    return Must(story_.marketing.Call<audience::v1::CountAudienceResponse>(
                    "audience.v1.AudienceService/CountAudience", request))
        .matched();
  }
  std::set<std::string> In(dispatch::v1::IntentState state) const {
    std::set<std::string> people;
    for (const auto& intent : story_.Intents("quit", state)) people.insert(intent.person());
    return people;
  }
  // Each person of a set is among those of the filter, and nobody else.
  void ExpectSame(const std::string& filter, const std::set<std::string>& people) const {
    // Engagement is at most a second behind dispatch.
    EXPECT_TRUE(Eventually([&] { return Count(filter) == static_cast<int64_t>(people.size()); }))
        << filter << ": " << Count(filter) << " of " << people.size();
    for (const std::string& person : people)
      ASSERT_EQ(Count(fmt::format("{} AND person = \"{}\"", filter, person)), 1) << filter << " " << person;
  }

  System system_{{.stop_percent = 10, .fail_percent = 10}};
  Story story_{system_};
};

TEST_F(Engaged, IsWhatHappenedToEachPerson) {
  EXPECT_EQ(Count("engaged(quit, sent)"), 0);
  story_.Run("quit");
  ASSERT_TRUE(story_.Finished("quit", 40));
  ASSERT_TRUE(Eventually([&] { return story_.Report("quit").opted_out() > 10; }));
  const auto check = [&] {
    const auto delivered = In(dispatch::v1::INTENT_DELIVERED), failed = In(dispatch::v1::FAILED);
    ASSERT_GT(delivered.size(), 200u);
    ASSERT_GT(failed.size(), 10u);
    ExpectSame("engaged(quit, delivered)", delivered);
    ExpectSame("engaged(\"campaigns/quit\", failed, 2)", failed);
    EXPECT_EQ(Count("engaged(quit, sent)"), kPeople);
    EXPECT_EQ(Count("engaged(\"*\", sent, 2) AND NOT engaged(quit, delivered)"),
              kPeople - static_cast<int64_t>(delivered.size()));
    ASSERT_TRUE(
        Eventually([&] { return Count("engaged(quit, opted_out)") == story_.Report("quit").opted_out(); }));
    EXPECT_GE(Count("engaged(quit, replied, 2)"), Count("engaged(quit, opted_out, 2)"));
    EXPECT_EQ(Count("engaged(quit, opted_out) AND NOT engaged(quit, replied)"), 0);
  };
  check();
  system_.KillAndRestartPharosd();
  check();
}

}  // namespace
}  // namespace pharos::tests
