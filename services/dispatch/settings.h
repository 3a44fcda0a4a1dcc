// What pharos.toml says about sending: routes, caps, the edge's address. Fixed for the life of the process.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace pharos::dispatch {

// [routes.<connector>]. A connector without a table has the defaults.
struct RouteSettings {
  int priority = 0;               // lower is used first; equal ones share the work
  double per_second = 0;          // parts (SMS) or messages a second over the route; 0 = no limit
  double per_sender_second = 0;   // likewise for each sender on it
  double per_domain_second = 0;   // email: messages a second to one mail site
  int64_t cost_micropounds = 0;   // of one part or message
  int64_t failover_after_s = 30;  // a route whose link is down or that only refuses is passed over after this
};

// [caps]: most hand-overs to one person, and to one endpoint, in that many days, over all campaigns and
// teams. Counted by keyed hash. They withhold messages of PUBLIC_TASK and MARKETING (FREQUENCY_CAP); SERVICE
// counts but is never withheld; URGENT neither.
struct CapSettings {
  int person_most = 8;  // 0 = no cap
  int person_days = 7;
  int endpoint_most = 12;  // 0 = no cap
  int endpoint_days = 7;
};

struct DispatchSettings {
  std::map<std::string, RouteSettings> routes;  // by connector name
  CapSettings caps;
  int64_t message_days = 7;  // single messages are kept so long after their end, as GOV.UK Notify keeps them
  int64_t reply_days = 30;   // what people wrote is kept so long after it came
  std::string edge_url;  // "https://host[:port]" of the edge as people reach it; empty = no one-click links
  const RouteSettings& RouteOf(const std::string& connector) const {
    static const RouteSettings kDefault;
    const auto at = routes.find(connector);
    return at == routes.end() ? kDefault : at->second;
  }
};

}  // namespace pharos::dispatch
