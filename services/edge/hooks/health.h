// What operators see of one webhook: metrics, and a line in the log when it stands still, goes on, or has
// been told to stop.
//   pharos_edge_webhook_posts_total{webhook, result}   accepted, failed
//   pharos_edge_webhook_behind_seconds{webhook}        since when something waits to be accepted; 0 = nothing
//   does pharos_edge_webhook_up{webhook}                    1, or 0 while it stands still or is off
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "services/base/clock.h"

namespace pharos::edge::hooks {

// Why a webhook stands still.
struct Trouble {
  std::string what;      // RECEIVER, FEED, PLACE
  std::string reason;    // a stable word of ours, never of the receiver's
  int status = 0;        // the receiver's, if it answered
  int failures = 0;      // in a row
  int64_t pause_us = 0;  // until it is tried again
};

// Of one thread.
class Health {
 public:
  static constexpr int kTellFailures = 3;              // in a row: before that it may be a hiccup
  static constexpr int64_t kTellMicros = 600'000'000;  // a webhook that stands still says so again

  Health(std::string webhook, base::Clock& clock);
  ~Health();

  void Accepted();
  void Failed(const Trouble& trouble);
  // Something waits, from now on if nothing did; nothing does any more.
  void Behind();
  void CaughtUp();
  // The receiver wants nothing any more (410).
  void Gone();
  // Brings the metrics up to date.
  void Tick();

 private:
  int64_t BehindMicros() const;

  const std::string webhook_;
  base::Clock& clock_;
  struct Gauges;
  const std::unique_ptr<const Gauges> gauges_;
  int64_t behind_since_us_ = 0;  // 0 = nothing waits
  int64_t told_us_ = 0;          // 0 = it works, as far as the log knows
};

}  // namespace pharos::edge::hooks
