#include "services/edge/console/visit.h"

#include <gmock/gmock.h>

namespace pharos::edge::console {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::StatusOr<Reply> One(Visit&) {
  return Show("home", {});
}
absl::StatusOr<Reply> Two(Visit&) {
  return Show("home", {});
}

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() {
    routes_.Get("/console/people", "people.read", &One);
    routes_.Get("/console/people/new", "people.write", &Two);
    routes_.Get("/console/people/{}", "people.read", &One);
    routes_.Get("/console/people/{}/revoke/{}", "", &One);
    routes_.Post("/console/people/{}", "people.write", &Two);
  }
  Routes routes_;
  std::vector<std::string> args_;
};

TEST_F(RoutesTest, TheFirstThatFitsCounts) {
  EXPECT_EQ(routes_.Find("GET", "/console/people/new", args_)->permission, "people.write");
  EXPECT_THAT(args_, IsEmpty());
  EXPECT_EQ(routes_.Find("GET", "/console/people/01", args_)->permission, "people.read");
  EXPECT_THAT(args_, ElementsAre("01"));
}

TEST_F(RoutesTest, SegmentsAreDecodedOneByOne) {
  ASSERT_NE(routes_.Find("GET", "/console/people/a%2Fb/revoke/c%20d", args_), nullptr);
  EXPECT_THAT(args_, ElementsAre("a/b", "c d"));
  EXPECT_EQ(routes_.Find("GET", "/console/people/%FF", args_), nullptr) << "not UTF-8";
  EXPECT_EQ(routes_.Find("GET", "/console/people/%4", args_), nullptr);
}

TEST_F(RoutesTest, ASegmentIsNeverEmptyNorTwo) {
  EXPECT_EQ(routes_.Find("GET", "/console/people/", args_), nullptr);
  EXPECT_EQ(routes_.Find("GET", "/console/people/a/b", args_), nullptr);
  EXPECT_EQ(routes_.Find("GET", "/console", args_), nullptr);
}

TEST_F(RoutesTest, MethodsDiffer) {
  EXPECT_EQ(routes_.Find("POST", "/console/people/01", args_)->permission, "people.write");
  EXPECT_EQ(routes_.Find("POST", "/console/people", args_), nullptr);
  EXPECT_EQ(routes_.Find("HEAD", "/console/people", args_)->permission, "people.read")
      << "HEAD asks as GET does";
  EXPECT_EQ(routes_.Find("DELETE", "/console/people/01", args_), nullptr);
}

TEST(Replies, MistakesStandOnTopAndBesideTheirField) {
  const Reply reply =
      ShowErrors("form", {{"title", "Stop"}}, {{"how-told", "Select how"}, {"", "Something else"}});
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.model["error_how_told"], "Select how");
  EXPECT_EQ(reply.model["errors"][0]["field"], "how-told");
  EXPECT_EQ(reply.model["errors"][1]["field"], false) << "no link to a field that is not there";
}

}  // namespace
}  // namespace pharos::edge::console
