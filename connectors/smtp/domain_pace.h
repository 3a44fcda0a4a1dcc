// How fast each receiving domain takes our mail: so many at once, fewer when it defers, one more as it
// accepts (AIMD); when it defers again and again it is left alone, from five minutes up to four hours. One
// domain never holds up another. Pure, one thread; `now_us` is CLOCK_BOOTTIME.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

namespace pharos::smtp {

struct PaceOptions {
  int most_at_once = 64;                   // connections there are
  int accepted_to_widen = 20;              // messages, before one more at once is tried
  int deferrals_to_pause = 3;              // in a row, with nothing accepted between
  int64_t pause_first_us = 300'000'000;    // five minutes; doubles, with jitter of a quarter, to …
  int64_t pause_most_us = 14'400'000'000;  // … four hours
  int64_t slow_us = 2'000'000;  // a domain whose messages take longer gets half of the connections at most
  size_t domains = 100'000;     // known at once; then those in good order are forgotten
};

class DomainPace {
 public:
  // `jitter` gives 0 ≤ x < 1.
  DomainPace(PaceOptions options, std::function<double()> jitter)
      : options_(options), jitter_(std::move(jitter)) {}

  // May one more begin? Then call Begun.
  bool MayBegin(const std::string& domain, int64_t now_us) const;
  // How long it is still left alone, microseconds; 0 = it is not.
  int64_t Pause(const std::string& domain, int64_t now_us) const;
  void Begun(const std::string& domain);
  // What became of it. `took_us` < 0: nothing was heard of it.
  void Accepted(const std::string& domain, int64_t took_us);
  // Returns how long to leave it alone; 0 = only fewer at once.
  int64_t Deferred(const std::string& domain, int64_t now_us);
  // Refused for good, or not handed over: says nothing about its pace.
  void Ended(const std::string& domain);

  // Domains that are left alone now.
  size_t paused(int64_t now_us) const;

 private:
  struct State {
    int open = 0, limit = 0, accepted = 0, deferrals = 0;
    int64_t usual_us = 0, paused_until_us = 0, next_pause_us = 0;
  };
  State& Of(const std::string& domain);
  int LimitOf(const State& state) const;
  void Close(State& state);

  const PaceOptions options_;
  const std::function<double()> jitter_;
  std::unordered_map<std::string, State> states_;
};

}  // namespace pharos::smtp
