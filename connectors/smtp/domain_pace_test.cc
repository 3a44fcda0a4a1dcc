// Fewer at once for a domain that defers, a pause for one that does so again and again, and nobody else is
// held up.
#include "connectors/smtp/domain_pace.h"

#include <gtest/gtest.h>

namespace pharos::smtp {
namespace {

constexpr int64_t kMinute = 60'000'000;

DomainPace Pace(PaceOptions options = {}) {
  return DomainPace(options, [] { return 0.5; });
}

int Room(DomainPace& pace, const std::string& domain, int64_t now) {
  int begun = 0;
  while (begun < 1000 && pace.MayBegin(domain, now)) {
    pace.Begun(domain);
    ++begun;
  }
  for (int i = 0; i < begun; ++i) pace.Ended(domain);
  return begun;
}

TEST(DomainPace, ADeferralHalvesAndAcceptanceWidens) {
  PaceOptions options;
  options.most_at_once = 16;
  options.accepted_to_widen = 2;
  DomainPace pace = Pace(options);
  EXPECT_EQ(Room(pace, "a.test", 0), 16);
  for (int i = 0; i < 16; ++i) pace.Begun("a.test");
  EXPECT_EQ(pace.Deferred("a.test", 0), 0);
  for (int i = 0; i < 15; ++i) pace.Ended("a.test");
  EXPECT_EQ(Room(pace, "a.test", 0), 8);
  EXPECT_EQ(Room(pace, "b.test", 0), 16) << "another domain";
  for (int i = 0; i < 4; ++i) {
    pace.Begun("a.test");
    pace.Accepted("a.test", 1000);
  }
  EXPECT_EQ(Room(pace, "a.test", 0), 10);
}

TEST(DomainPace, ThreeDeferralsInARowPauseAndThePauseDoublesUpToFourHours) {
  DomainPace pace = Pace();
  int64_t now = 0, last = 0;
  auto defer = [&] {
    pace.Begun("a.test");
    return pace.Deferred("a.test", now);
  };
  EXPECT_EQ(defer(), 0);
  EXPECT_EQ(defer(), 0);
  last = defer();
  EXPECT_EQ(last, 5 * kMinute * 9 / 8);
  EXPECT_EQ(pace.Pause("a.test", now), last);
  EXPECT_FALSE(pace.MayBegin("a.test", now));
  EXPECT_EQ(pace.paused(now), 1u);
  EXPECT_EQ(pace.Pause("b.test", now), 0);
  for (int i = 0; i < 10; ++i) {
    now += last;
    EXPECT_TRUE(pace.MayBegin("a.test", now));
    int64_t next = defer();
    EXPECT_GE(next, last);
    last = next;
  }
  EXPECT_EQ(last, 240 * kMinute);
  now += last;
  pace.Begun("a.test");
  pace.Accepted("a.test", 1000);
  EXPECT_EQ(defer(), 0) << "one acceptance and it begins anew";
}

TEST(DomainPace, ASlowDomainGetsHalfOfTheConnections) {
  PaceOptions options;
  options.most_at_once = 8;
  DomainPace pace = Pace(options);
  for (int i = 0; i < 20; ++i) {
    pace.Begun("slow.test");
    pace.Accepted("slow.test", 5'000'000);
  }
  EXPECT_EQ(Room(pace, "slow.test", 0), 4);
}

}  // namespace
}  // namespace pharos::smtp
