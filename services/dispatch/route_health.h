// Which connectors carry a channel's messages now. Pure: facts and `boot_us` (CLOCK_BOOTTIME, microseconds)
// in, verdicts in words out.
//
// A route in trouble (no connector, link down, held by refusals, refusing) is waited for during
// failover_after_s, then passed over. One that was passed over comes back when it has been up for
// failover_after_s on end, or at once if there is nothing else to send by. A route that a person has paused
// is passed over at once and comes back at once.
//
// Routes of the lowest priority number are used, all of them that work; the next number only when all of the
// former are passed over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pharos::dispatch {

// What is known of a route at this moment. Times on CLOCK_BOOTTIME.
struct RouteFacts {
  std::string connector;          // name in pharos.toml
  int priority = 0;               // RouteSettings
  int64_t failover_after_s = 30;  // RouteSettings
  bool connected = false;         // its process is on the stream
  bool link_up = false;           // LinkState.up
  std::string problem;            // LinkState.problem, or empty
  int refusals = 0;               // refusals with scope ROUTE since the last accept
  int64_t held_until_us =
      0;  // by refusals: nothing goes before (RouteRow.until_us, on the boot clock); 0 = not held
  bool paused = false;  // by a person (RouteRow.paused)
  std::string reason;   // RouteRow.reason, of the pause or the hold
};

enum class RouteUse { kUsable, kWait, kPassedOver };

struct RouteVerdict {
  RouteUse use = RouteUse::kWait;
  bool up = false;  // could carry something now, though it may be passed over
  std::string why;  // in words; empty if usable
  int64_t look_again_us =
      0;  // when the verdict may change by the passing of time alone; 0 = only by an event
};

// One route's memory. Not thread-safe. Kept as long as the process; a connector that is not there (yet) is a
// route in trouble from the first Observe on.
class RouteHealth {
 public:
  // To be called with every change of the facts and before every choice. Cheap.
  const RouteVerdict& Observe(const RouteFacts& facts, int64_t boot_us);
  const RouteVerdict& verdict() const { return verdict_; }
  const RouteFacts& facts() const { return facts_; }

 private:
  void Remember(bool up, bool trouble, int64_t boot_us);
  void Judge(int64_t failover_us, int64_t boot_us);
  void Say(int64_t failover_us, int64_t boot_us);

  RouteFacts facts_;
  RouteVerdict verdict_;
  bool seen_ = false;
  bool up_ = false;
  int64_t up_since_us_ = 0;  // meaningful while up_
  bool trouble_ = false;
  int64_t trouble_since_us_ = 0;  // meaningful while trouble_
  bool passed_over_ = false;
};

// Connectors to use now among routes that carry the same channel, all observed just before; in order of name.
// Empty: wait.
std::vector<std::string> Usable(const std::vector<const RouteHealth*>& routes);
// Why Usable is empty, in words, one clause a route; empty if it is not.
std::string WhyNone(const std::vector<const RouteHealth*>& routes);

// How long a route is held after a refusal with scope ROUTE, the `in_a_row`th since the last accept (1 =
// first): what the provider asks for, at least 1 s doubled with each up to 5 min.
int64_t HoldMicros(int in_a_row, int64_t retry_after_ms);

}  // namespace pharos::dispatch
