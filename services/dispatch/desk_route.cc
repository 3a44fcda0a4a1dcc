// Connectors as routes: which of them carry a channel now, and what holds one back.
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>

#include "services/base/log.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/tables.h"
#include "services/rpc/metrics.h"

namespace pharos::dispatch {
namespace {

constexpr int64_t kObserveMicros = 100'000;
constexpr size_t kMostMailSites = 65'536;  // in memory; they are read again when needed

struct Families {
  prometheus::Family<prometheus::Counter>& refused =
      prometheus::BuildCounter()
          .Name("pharos_dispatch_refused_total")
          .Help("Messages that a provider or connector definitely refused, by reason.")
          .Register(rpc::Metrics());
  prometheus::Family<prometheus::Counter>& accepted = prometheus::BuildCounter()
                                                          .Name("pharos_dispatch_accepted_total")
                                                          .Help("Messages that a provider accepted.")
                                                          .Register(rpc::Metrics());
  prometheus::Family<prometheus::Gauge>& problem =
      prometheus::BuildGauge()
          .Name("pharos_connector_problem")
          .Help("1 for what is wrong with a connector's provider now.")
          .Register(rpc::Metrics());
};
Families& All() {
  static auto* families = new Families;
  return *families;
}

// Only the problem that is there now is 1.
void ShowProblem(const std::string& connector, const std::string& before, const std::string& now) {
  if (!before.empty()) All().problem.Add({{"connector", connector}, {"problem", before}}).Set(0);
  if (!now.empty()) All().problem.Add({{"connector", connector}, {"problem", now}}).Set(1);
}

}  // namespace

ConnectorStatus& Desk::RouteOf(const std::string& connector) {
  const auto [at, fresh] = connectors_.try_emplace(connector);
  if (fresh) at->second.priority = settings_.RouteOf(connector).priority;
  return at->second;
}

// A few times a second, and after whatever may have changed the answer.
void Desk::ObserveRoutes(Turn& turn) {
  const int64_t boot = clock_.BootMicros();
  if (observed_at_us_ != 0 && boot - observed_at_us_ < kObserveMicros) return;
  observed_at_us_ = boot;
  std::map<int, std::vector<const RouteHealth*>> by_channel;
  for (auto& [name, route] : connectors_) {
    const RouteSettings& settings = settings_.RouteOf(name);
    RouteFacts facts;
    facts.connector = name;
    facts.priority = settings.priority;
    facts.failover_after_s = settings.failover_after_s;
    facts.connected = route.connected;
    // Until it speaks of its link, its pulls show that it is ready for work.
    facts.link_up = route.link.up() || !route.link_heard;
    facts.problem = route.link.problem();
    facts.refusals = route.refusals;
    if (route.row.until_us() > turn.now_us) facts.held_until_us = boot + (route.row.until_us() - turn.now_us);
    facts.paused = route.row.paused();
    facts.reason = route.row.reason();
    ShowProblem(name, route.health.facts().problem, facts.problem);
    const int64_t fresh = route.accepted - std::exchange(route.accepted_shown, route.accepted);
    if (fresh > 0) All().accepted.Add({{"connector", name}}).Increment(static_cast<double>(fresh));
    (void)route.health.Observe(facts, boot);
    by_channel[route.hello.channel()].push_back(&route.health);
  }
  for (const auto& [channel, routes] : by_channel) {
    used_[channel] = Usable(routes);
    unused_why_[channel] = used_[channel].empty() ? WhyNone(routes) : "";
  }
}

bool Desk::IsUsed(const std::string& connector, int channel) const {
  const auto at = used_.find(channel);
  return at != used_.end() && std::find(at->second.begin(), at->second.end(), connector) != at->second.end();
}

void Desk::HoldRoute(Turn& turn, const std::string& connector, const std::string& reason,
                     int64_t retry_after_ms) {
  ConnectorStatus& route = RouteOf(connector);
  // Those that were on their way when the first was refused say nothing new.
  if (route.row.until_us() <= turn.now_us) ++route.refusals;
  const int64_t until = turn.now_us + HoldMicros(std::max(1, route.refusals), retry_after_ms);
  if (until <= route.row.until_us()) return;
  route.row.set_until_us(until);
  if (!route.row.paused()) route.row.set_reason(reason);
  SaveRoute(turn, connector, route.row);
  observed_at_us_ = 0;
  base::Log(base::LogLevel::kWarning, "dispatch.route_held", {{"connector", connector}, {"reason", reason}});
}

void Desk::RouteWorks(Turn& turn, ConnectorStatus& route) {
  ++route.accepted;
  route.refusals = 0;
}

void Desk::CountRefusal(const std::string& connector, const std::string& reason) {
  ++RouteOf(connector).refused[reason];
  All().refused.Add({{"connector", connector}, {"reason", reason}}).Increment();
}

void Desk::SaveRoute(Turn& turn, const std::string& connector, const record::v1::RouteRow& row) {
  storage::PutRecord(turn.tx, RouteKey(connector), row);
}

void Desk::PauseConnector(Turn& turn, const std::string& connector, const std::string& reason) {
  record::v1::RouteRow& row = RouteOf(connector).row;
  row.set_paused(true);
  row.set_reason(reason);
  SaveRoute(turn, connector, row);
  observed_at_us_ = 0;
  Recall(turn, "", connector);
}

bool Desk::ResumeConnector(Turn& turn, const std::string& connector) {
  const auto at = connectors_.find(connector);
  if (at == connectors_.end()) return false;
  at->second.row.Clear();
  at->second.refusals = 0;
  turn.tx.Delete(RouteKey(connector));
  observed_at_us_ = 0;
  return true;
}

const record::v1::MailSiteRow& Desk::MailSiteRowOf(Turn& turn, const std::string& site) {
  return ReadMailSite(turn, site);
}

record::v1::MailSiteRow& Desk::ChangeMailSite(Turn& turn, const std::string& site) {
  mail_sites_changed_.insert(site);
  return ReadMailSite(turn, site);
}

void Desk::SaveMailSites(Turn& turn) {
  for (const auto& site : mail_sites_changed_)
    storage::PutRecord(turn.tx, MailSiteKey(site), mail_sites_.at(site));
  mail_sites_changed_.clear();
  if (mail_sites_.size() > kMostMailSites) mail_sites_.clear();
}

record::v1::MailSiteRow& Desk::ReadMailSite(Turn& turn, const std::string& site) {
  const auto [at, fresh] = mail_sites_.try_emplace(site);
  if (fresh) {
    if (auto row = LoadRow<record::v1::MailSiteRow>(turn, MailSiteKey(site))) at->second = *std::move(row);
  }
  return at->second;
}

}  // namespace pharos::dispatch
