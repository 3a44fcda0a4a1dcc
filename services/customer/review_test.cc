// How reviews are named and paged, and what is said of one that does not stand any more.
#include "services/customer/review.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"

namespace pharos::customer {
namespace {

using ::testing::HasSubstr;

TEST(Review, ItsNameSaysWhichRecords) {
  const std::string a = "sources/quit/records/q.1.2", b = "sources/stop-smoking/records/~x_9";
  const std::string name = ReviewName(a, b);
  EXPECT_EQ(name, "reviews/quit.5.q.1.2.stop-smoking.~x_9");
  EXPECT_EQ(*RecordsOfReview(name), std::pair(a, b));
  EXPECT_EQ(*RecordsOfReview(ReviewName(b, a)), std::pair(b, a));
  EXPECT_FALSE(IsDigestOfReview(name));
}

TEST(Review, LongRecordsAreNamedByADigest) {
  const std::string a = "sources/quit/records/" + std::string(128, 'a'), b = "sources/quit/records/b";
  const std::string name = ReviewName(a, b);
  EXPECT_TRUE(IsDigestOfReview(name)) << name;
  EXPECT_LE(name.size(), 128u);
  EXPECT_FALSE(RecordsOfReview(name));
  EXPECT_NE(name, ReviewName(b, a));
}

TEST(Review, WhatIsNoNameIsNone) {
  for (const char* name : {"", "reviews/", "reviews/quit", "reviews/quit.1.a", "reviews/quit.9.a.news.b",
                           "reviews/quit.1.a.news.", "reviews/quit.x.a.news.b", "people/quit.1.a.news.b"}) {
    EXPECT_FALSE(RecordsOfReview(name)) << name;
  }
}

TEST(Review, APageEndsAtAPlaceThatIsFoundAgain) {
  const auto place = PlaceOf(TokenOf({-12'345, "sources/a/records/1", "sources/b/records/2"}));
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(place->weight, -12'345);
  EXPECT_EQ(place->record_a, "sources/a/records/1");
  EXPECT_EQ(place->record_b, "sources/b/records/2");
  EXPECT_EQ(base::ReasonOf(PlaceOf("beef").status()), "PAGE_TOKEN_WRONG");
  EXPECT_EQ(base::ReasonOf(PlaceOf("no hex").status()), "PAGE_TOKEN_WRONG");
}

TEST(Review, OneThatIsGoneSaysWhatBecameOfIt) {
  ReviewStanding standing{.known_a = true, .known_b = true, .stands = true};
  EXPECT_TRUE(CheckStands(standing).ok());
  standing.stands = false;
  const auto became = [&] { return base::FactsOf(CheckStands(standing))->metadata.at("became"); };
  EXPECT_EQ(base::ReasonOf(CheckStands(standing)), "REVIEW_GONE");
  EXPECT_EQ(became(), "NOT_LIKELY");
  standing.decision = "assertions/a1";
  EXPECT_EQ(became(), "TOLD_APART");
  standing.linked = true;
  EXPECT_EQ(became(), "LINKED");
  EXPECT_THAT(std::string(CheckStands(standing).message()), HasSubstr("assertions/a1"));
  standing.known_b = false;
  EXPECT_EQ(became(), "RECORD_GONE");
}

}  // namespace
}  // namespace pharos::customer
