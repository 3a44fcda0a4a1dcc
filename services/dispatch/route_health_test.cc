#include "services/dispatch/route_health.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pharos::dispatch {
namespace {

constexpr int64_t kSecond = 1'000'000;

// Two routes of different priority and one that shares the first's work, looked at every second.
struct Network {
  RouteFacts main, twin, second;
  RouteHealth main_health, twin_health, second_health;
  bool has_twin = false;
  int64_t now = 1000 * kSecond;

  Network() {
    main = Working("main", 0);
    twin = Working("twin", 0);
    second = Working("second", 1);
  }
  static RouteFacts Working(const std::string& name, int priority) {
    RouteFacts facts;
    facts.connector = name;
    facts.priority = priority;
    facts.connected = facts.link_up = true;
    return facts;
  }
  std::vector<const RouteHealth*> Look() {
    main_health.Observe(main, now);
    second_health.Observe(second, now);
    if (!has_twin) return {&second_health, &main_health};
    twin_health.Observe(twin, now);
    return {&second_health, &main_health, &twin_health};
  }
  std::string Use() {
    std::string names;
    for (const auto& name : Usable(Look())) names += (names.empty() ? "" : "+") + name;
    return names;
  }
  // What is used after so many seconds, with a look at every one.
  std::string After(int seconds) {
    std::string used = Use();
    for (int i = 0; i < seconds; ++i) {
      now += kSecond;
      used = Use();
    }
    return used;
  }
};

TEST(RouteHealth, UsesTheFirstPriorityWhileItWorks) {
  Network at;
  EXPECT_EQ(at.Use(), "main");
  at.has_twin = true;
  EXPECT_EQ(at.Use(), "main+twin");
}

TEST(RouteHealth, WaitsBeforeItPassesOver) {
  Network at;
  at.Use();
  at.main.link_up = false;
  EXPECT_EQ(at.After(29), "");
  EXPECT_EQ(at.main_health.verdict().use, RouteUse::kWait);
  EXPECT_EQ(at.After(1), "second");
  EXPECT_EQ(at.main_health.verdict().use, RouteUse::kPassedOver);
}

TEST(RouteHealth, CarriesOnByTheTwinAtOnce) {
  Network at;
  at.has_twin = true;
  at.Use();
  at.main.connected = false;
  EXPECT_EQ(at.Use(), "twin");
  EXPECT_EQ(at.After(100), "twin");
}

TEST(RouteHealth, DoesNotMindAShortBreak) {
  Network at;
  at.Use();
  at.main.link_up = false;
  at.After(20);
  at.main.link_up = true;
  EXPECT_EQ(at.Use(), "main");
}

TEST(RouteHealth, ComesBackWhenItHasWorkedForAWhile) {
  Network at;
  at.Use();
  at.main.link_up = false;
  EXPECT_EQ(at.After(60), "second");
  at.main.link_up = true;
  EXPECT_EQ(at.After(29), "second");
  EXPECT_EQ(at.After(1), "main");
}

TEST(RouteHealth, DoesNotFlap) {
  Network at;
  at.Use();
  at.main.link_up = false;
  EXPECT_EQ(at.After(60), "second");
  for (int i = 0; i < 20; ++i) {  // up for 20 s, down for 5 s
    at.main.link_up = true;
    ASSERT_EQ(at.After(20), "second");
    at.main.link_up = false;
    ASSERT_EQ(at.After(5), "second");
  }
}

TEST(RouteHealth, TakesWhatHasJustComeBackIfThereIsNothingElse) {
  Network at;
  at.Use();
  at.main.link_up = at.second.link_up = false;
  EXPECT_EQ(at.After(60), "");
  at.main.link_up = true;
  EXPECT_EQ(at.Use(), "main");
  at.main.link_up = false;
  at.second.link_up = true;
  EXPECT_EQ(at.Use(), "second");
}

TEST(RouteHealth, WaitsForItsConnectorsAtTheStart) {
  Network at;
  at.main.connected = false;
  EXPECT_EQ(at.After(10), "");
  at.main.connected = true;
  EXPECT_EQ(at.Use(), "main");
}

TEST(RouteHealth, NoticesWhatHappenedWhileNobodyLooked) {
  Network at;
  at.Use();
  at.main.link_up = false;
  at.Use();
  at.now += 100 * kSecond;
  at.main.link_up = true;
  EXPECT_EQ(at.Use(), "second");  // it was down long enough to be passed over
  at.now += 30 * kSecond;
  EXPECT_EQ(at.Use(), "main");
}

TEST(RouteHealth, PassesOverARouteThatOnlyRefuses) {
  Network at;
  at.Use();
  for (int refusals = 1; at.now < 1040 * kSecond; ++refusals) {
    at.main.refusals = refusals;
    at.main.held_until_us = at.now + HoldMicros(refusals, 0);
    if (at.now < 1030 * kSecond) {
      ASSERT_EQ(at.Use(), "");
    }
    at.now = at.main.held_until_us;
    if (at.now < 1030 * kSecond) {
      ASSERT_EQ(at.Use(), "main");  // tried again
    }
  }
  at.main.held_until_us = at.now + kSecond;
  EXPECT_EQ(at.Use(), "second");
  // One trial after a while; refused again, it is passed over at once.
  EXPECT_EQ(at.After(31), "main");
  at.main.held_until_us = at.now + 100 * kSecond;
  ++at.main.refusals;
  EXPECT_EQ(at.Use(), "second");
  // Accepted: all is well.
  at.now += 100 * kSecond;
  EXPECT_EQ(at.After(30), "main");
  at.main.refusals = 0;
  at.Use();
  at.main.refusals = 1;
  at.main.held_until_us = at.now + kSecond;
  EXPECT_EQ(at.Use(), "");
  EXPECT_EQ(at.After(1), "main");
}

TEST(RouteHealth, OneRefusalWithoutTrafficAfterItChangesNothing) {
  Network at;
  at.Use();
  at.main.refusals = 1;
  at.main.held_until_us = at.now + kSecond;
  EXPECT_EQ(at.Use(), "");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(at.After(1), "main");
}

TEST(RouteHealth, ObeysAPersonsPauseAtOnce) {
  Network at;
  at.Use();
  at.main.paused = true;
  at.main.reason = "the contract ends";
  EXPECT_EQ(at.Use(), "second");
  EXPECT_EQ(at.main_health.verdict().why, "paused by a person: the contract ends");
  at.second.paused = true;
  EXPECT_EQ(at.Use(), "");  // not even if there is nothing else
  at.main.paused = false;
  EXPECT_EQ(at.Use(), "main");
}

TEST(RouteHealth, FailsOverAtOnceIfToldTo) {
  Network at;
  at.main.failover_after_s = 0;
  at.Use();
  at.main.link_up = false;
  EXPECT_EQ(at.Use(), "second");
  at.main.link_up = true;
  EXPECT_EQ(at.Use(), "main");
}

TEST(RouteHealth, SaysWhyInWords) {
  Network at;
  EXPECT_EQ(WhyNone(at.Look()), "");
  at.main.link_up = false;
  at.main.problem = "WRONG_PASSWORD";
  EXPECT_EQ(WhyNone(at.Look()),
            "main: its link to the provider is down (WRONG_PASSWORD); waited for; second: lower in priority");
  at.main.link_up = true;
  at.main.refusals = 1;
  at.main.held_until_us = at.now + 7 * kSecond;
  at.main.reason = "INVALID_SENDER";
  at.Use();
  EXPECT_EQ(at.main_health.verdict().why,
            "the provider refuses everything (INVALID_SENDER); tried again in 7 s; waited for");
  EXPECT_EQ(WhyNone({}), "no connector carries this channel; add one to pharos.toml");
}

TEST(RouteHealth, SaysWhenToLookAgain) {
  Network at;
  at.Use();
  EXPECT_EQ(at.main_health.verdict().look_again_us, 0);
  at.main.link_up = false;
  at.Use();
  EXPECT_EQ(at.main_health.verdict().look_again_us, at.now + 30 * kSecond);
  at.After(30);
  EXPECT_EQ(at.main_health.verdict().look_again_us, 0);
  at.main.link_up = true;
  at.Use();
  EXPECT_EQ(at.main_health.verdict().look_again_us, at.now + 30 * kSecond);
  EXPECT_EQ(at.main_health.verdict().why, "it works again and comes back in 30 s if it goes on");
}

TEST(RouteHealth, HoldsLongerEachTime) {
  EXPECT_EQ(HoldMicros(1, 0), kSecond);
  EXPECT_EQ(HoldMicros(2, 0), 2 * kSecond);
  EXPECT_EQ(HoldMicros(1, 60'000), 60 * kSecond);
  EXPECT_EQ(HoldMicros(9, 0), 256 * kSecond);
  EXPECT_EQ(HoldMicros(10, 0), 300 * kSecond);
  EXPECT_EQ(HoldMicros(1'000'000, 0), 300 * kSecond);
  EXPECT_EQ(HoldMicros(0, 0), kSecond);
}

}  // namespace
}  // namespace pharos::dispatch
