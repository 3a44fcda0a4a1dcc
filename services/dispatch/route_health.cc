#include "services/dispatch/route_health.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

namespace pharos::dispatch {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kFirstHold = kSecond;
constexpr int64_t kLongestHold = 300 * kSecond;

int64_t SecondsUp(int64_t micros) {
  return (std::max<int64_t>(micros, 0) + kSecond - 1) / kSecond;
}

bool IsUp(const RouteFacts& facts, int64_t boot_us) {
  return facts.connected && facts.link_up && boot_us >= facts.held_until_us;
}

// Why nothing can go by it.
std::string Cause(const RouteFacts& facts, int64_t boot_us) {
  if (!facts.connected) return "its connector is not connected";
  if (!facts.link_up) {
    return facts.problem.empty() ? "its link to the provider is down"
                                 : fmt::format("its link to the provider is down ({})", facts.problem);
  }
  return fmt::format("the provider refuses everything{}; tried again in {} s",
                     facts.reason.empty() ? "" : " (" + facts.reason + ")",
                     SecondsUp(facts.held_until_us - boot_us));
}

using Groups = std::map<int, std::vector<const RouteHealth*>>;

Groups ByPriority(const std::vector<const RouteHealth*>& routes) {
  Groups groups;
  for (const RouteHealth* route : routes) groups[route->facts().priority].push_back(route);
  return groups;
}

template <typename Is>
std::vector<std::string> Names(const std::vector<const RouteHealth*>& routes, const Is& is) {
  std::vector<std::string> names;
  for (const RouteHealth* route : routes) {
    if (is(route->verdict())) names.push_back(route->facts().connector);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

const RouteVerdict& RouteHealth::Observe(const RouteFacts& facts, int64_t boot_us) {
  const int64_t failover_us = facts.failover_after_s * kSecond;
  const bool up = IsUp(facts, boot_us);
  // What was true until now may have been so long enough to matter, though nobody looked.
  if (seen_) Judge(failover_us, boot_us);
  Remember(up, !up || facts.refusals > 0, boot_us);
  Judge(failover_us, boot_us);
  facts_ = facts;
  Say(failover_us, boot_us);
  return verdict_;
}

void RouteHealth::Remember(bool up, bool trouble, int64_t boot_us) {
  if (up && (!up_ || !seen_)) up_since_us_ = boot_us;
  if (trouble && (!trouble_ || !seen_)) trouble_since_us_ = boot_us;
  up_ = up;
  trouble_ = trouble;
  seen_ = true;
}

// A route that refuses is passed over at its next refusal after the time, which holds it: while nothing is
// tried nothing is known.
void RouteHealth::Judge(int64_t failover_us, int64_t boot_us) {
  if (up_ && boot_us - up_since_us_ >= failover_us) passed_over_ = false;
  if (!up_ && trouble_ && boot_us - trouble_since_us_ >= failover_us) passed_over_ = true;
}

void RouteHealth::Say(int64_t failover_us, int64_t boot_us) {
  verdict_ = {};
  verdict_.up = up_ && !facts_.paused;
  if (facts_.paused) {
    verdict_.use = RouteUse::kPassedOver;
    verdict_.why = "paused by a person" + (facts_.reason.empty() ? "" : ": " + facts_.reason);
    return;
  }
  verdict_.use = passed_over_ ? RouteUse::kPassedOver : up_ ? RouteUse::kUsable : RouteUse::kWait;
  if (verdict_.use == RouteUse::kUsable) return;
  if (up_) {
    verdict_.look_again_us = up_since_us_ + failover_us;
    verdict_.why = fmt::format("it works again and comes back in {} s if it goes on",
                               SecondsUp(verdict_.look_again_us - boot_us));
    return;
  }
  verdict_.why = Cause(facts_, boot_us) + (passed_over_ ? "; passed over" : "; waited for");
  const int64_t held_us = facts_.connected && facts_.link_up ? facts_.held_until_us : 0;
  const int64_t over_us = passed_over_ ? 0 : trouble_since_us_ + failover_us;
  verdict_.look_again_us =
      held_us == 0 || over_us == 0 ? std::max(held_us, over_us) : std::min(held_us, over_us);
}

std::vector<std::string> Usable(const std::vector<const RouteHealth*>& routes) {
  const Groups groups = ByPriority(routes);
  auto end = groups.begin();  // behind the last group that may be used
  for (; end != groups.end(); ++end) {
    auto names = Names(end->second, [](const RouteVerdict& v) { return v.use == RouteUse::kUsable; });
    if (!names.empty()) return names;
    const auto waits = Names(end->second, [](const RouteVerdict& v) { return v.use == RouteUse::kWait; });
    if (waits.empty()) continue;
    ++end;
    break;
  }
  // Nothing else to send by: a route that has only just come back is better than none.
  for (auto group = groups.begin(); group != end; ++group) {
    auto names = Names(group->second, [](const RouteVerdict& v) { return v.up; });
    if (!names.empty()) return names;
  }
  return {};
}

std::string WhyNone(const std::vector<const RouteHealth*>& routes) {
  if (routes.empty()) return "no connector carries this channel; add one to pharos.toml";
  if (!Usable(routes).empty()) return {};
  std::string why;
  for (const auto& [priority, group] : ByPriority(routes)) {
    for (const RouteHealth* route : group)
      fmt::format_to(std::back_inserter(why), "{}{}: {}", why.empty() ? "" : "; ", route->facts().connector,
                     route->verdict().why.empty() ? "lower in priority" : route->verdict().why);
  }
  return why;
}

int64_t HoldMicros(int in_a_row, int64_t retry_after_ms) {
  const int doublings = std::clamp(in_a_row - 1, 0, 20);
  const int64_t grown = std::min(kFirstHold << doublings, kLongestHold);
  return std::max(grown, retry_after_ms * 1000);
}

}  // namespace pharos::dispatch
