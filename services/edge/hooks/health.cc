#include "services/edge/hooks/health.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "services/base/log.h"
#include "services/rpc/metrics.h"

namespace pharos::edge::hooks {
namespace {

constexpr int64_t kSecond = 1'000'000;

struct Families {
  prometheus::Family<prometheus::Counter>& posts =
      prometheus::BuildCounter()
          .Name("pharos_edge_webhook_posts_total")
          .Help("Events posted to partners, by webhook and result.")
          .Register(rpc::Metrics());
  prometheus::Family<prometheus::Gauge>& behind =
      prometheus::BuildGauge()
          .Name("pharos_edge_webhook_behind_seconds")
          .Help("Since when an event waits to be accepted; 0 = none does.")
          .Register(rpc::Metrics());
  prometheus::Family<prometheus::Gauge>& up = prometheus::BuildGauge()
                                                  .Name("pharos_edge_webhook_up")
                                                  .Help("1, or 0 while a webhook stands still or is off.")
                                                  .Register(rpc::Metrics());
};

}  // namespace

// They live as long as the process; the same name has the same ones.
struct Health::Gauges {
  explicit Gauges(const std::string& webhook)
      : accepted(All().posts.Add({{"webhook", webhook}, {"result", "accepted"}})),
        failed(All().posts.Add({{"webhook", webhook}, {"result", "failed"}})),
        behind(All().behind.Add({{"webhook", webhook}})),
        up(All().up.Add({{"webhook", webhook}})) {}
  static Families& All() {
    static auto* families = new Families;
    return *families;
  }
  prometheus::Counter& accepted;
  prometheus::Counter& failed;
  prometheus::Gauge& behind;
  prometheus::Gauge& up;
};

Health::Health(std::string webhook, base::Clock& clock)
    : webhook_(std::move(webhook)), clock_(clock), gauges_(std::make_unique<Gauges>(webhook_)) {
  gauges_->up.Set(1);
  gauges_->behind.Set(0);
}

Health::~Health() = default;

int64_t Health::BehindMicros() const {
  return behind_since_us_ == 0 ? 0 : clock_.BootMicros() - behind_since_us_;
}

void Health::Tick() {
  gauges_->behind.Set(static_cast<double>(BehindMicros()) / kSecond);
}

void Health::Behind() {
  if (behind_since_us_ == 0) behind_since_us_ = clock_.BootMicros();
  Tick();
}

void Health::CaughtUp() {
  if (told_us_ != 0)
    base::Log(base::LogLevel::kInfo, "edge.webhook_goes_on",
              {{"webhook", webhook_}, {"behind_s", BehindMicros() / kSecond}});
  told_us_ = 0;
  behind_since_us_ = 0;
  gauges_->up.Set(1);
  Tick();
}

void Health::Accepted() {
  gauges_->accepted.Increment();
  gauges_->up.Set(1);
  Tick();
}

void Health::Failed(const Trouble& trouble) {
  Behind();
  if (trouble.what == "RECEIVER") gauges_->failed.Increment();
  gauges_->up.Set(0);
  const int64_t now_us = clock_.BootMicros();
  if (trouble.failures < kTellFailures) return;
  if (told_us_ != 0 && now_us - told_us_ < kTellMicros) return;
  told_us_ = now_us;
  base::Log(base::LogLevel::kWarning, "edge.webhook_stands_still",
            {{"webhook", webhook_},
             {"what", trouble.what},
             {"reason", trouble.reason},
             {"status", int64_t{trouble.status}},
             {"failures", int64_t{trouble.failures}},
             {"behind_s", BehindMicros() / kSecond},
             {"again_in_ms", trouble.pause_us / 1000}});
}

void Health::Gone() {
  Behind();
  gauges_->failed.Increment();
  gauges_->up.Set(0);
  base::Log(
      base::LogLevel::kError, "edge.webhook_off",
      {{"webhook", webhook_},
       {"status", int64_t{410}},
       {"why",
        std::string("the receiver wants nothing any more; ask the partner, then restart or remove it")}});
}

}  // namespace pharos::edge::hooks
