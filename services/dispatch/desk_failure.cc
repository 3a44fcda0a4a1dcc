// What is known to have failed: the message goes on to the member's next channel where the approval allows
// it, or it has failed; and an endpoint that a provider says does not exist is reported to customer until
// customer has it durably.
#include <algorithm>

#include "pharos/dispatch/internal/v1/work_service.pb.h"
#include "services/base/log.h"
#include "services/dispatch/desk.h"
#include "services/dispatch/intent.h"
#include "services/dispatch/tables.h"

namespace pharos::dispatch {
namespace {

constexpr int kReportBatch = 1000;                 // ReportEndpointsRequest
constexpr int64_t kReportRetryMicros = 1'000'000;  // customer was away
// From the plan: a bounce that comes later finds a person who has long heard of it, or no longer needs to.
constexpr int64_t kFallbackMicros = int64_t{24} * 3600 * 1'000'000;
constexpr size_t kMaxReports = 100'000;  // in memory; past it the rows wait on disk for the next start

}  // namespace

void Desk::Fail(Turn& turn, record::v1::IntentRow& intent, std::string_view reason) {
  if (!GoOn(turn, intent, reason)) intents_.Move(turn, intent, State::kFailed, reason);
}

// Never after a doubt: a second channel would then make two messages of one.
bool Desk::GoOn(Turn& turn, record::v1::IntentRow& intent, std::string_view reason) {
  if (intent.alternatives().empty() || reason == "PARTIAL") return false;
  if (WasResent(intent)) return false;  // the first of the two may have arrived
  const Step* step = StepOf(turn, intent.key());
  if (step == nullptr || !step->manifest.fallback() || Expired(*step, turn.now_us)) return false;
  if (intent.events_size() > 0 && turn.now_us - intent.events(0).time_us() > kFallbackMicros) return false;
  if (SteeringOf(turn, intent.key().campaign()) == internal::v1::HALT) return false;
  auto* hop = intent.add_earlier();
  hop->set_channel(intent.channel());
  hop->set_endpoint(intent.endpoint());
  hop->set_reason(std::string(reason));
  for (const auto& part : intent.parts()) hop->add_provider_ids(part.provider_id());
  FreeEndpoint(turn, intent);
  const internal::v1::PlannedAlternative next = intent.alternatives(0);
  intent.mutable_alternatives()->DeleteSubrange(0, 1);
  intents_.Reroute(turn, intent, next, "FALLBACK_FROM_" + std::string(reason));
  return true;
}

// In the commit that has the bounce.
void Desk::ReportEndpoint(Turn& turn, const std::string& endpoint, type::v1::SuppressionReason reason) {
  record::v1::EndpointReportRow row;
  row.set_endpoint(endpoint);
  row.set_reason(reason);
  storage::PutRecord(turn.tx, ReportKey(endpoint), row);
  if (reports_.size() < kMaxReports) reports_[endpoint] = reason;
}

void Desk::SendReports(Turn& turn) {
  if (reports_.empty() || reporting_ || clock_.BootMicros() < report_not_before_us_) return;
  customer::internal::v1::ReportEndpointsRequest request;
  for (const auto& [endpoint, reason] : reports_) {
    if (request.reports_size() == kReportBatch) break;
    auto* report = request.add_reports();
    report->set_endpoint(endpoint);
    report->set_reason(reason);
  }
  reporting_ = true;
  const auto sent = std::make_shared<customer::internal::v1::ReportEndpointsRequest>(request);
  turn.After([this, sent] {
    const bool asked = customer_.ReportEndpoints(*sent, [this, sent](absl::Status status) {
      (void)loop_.Post([this, sent, status](Turn& turn) { OnReported(turn, *sent, status); });
    });
    if (!asked) PutOffReports();
  });
}

void Desk::OnReported(Turn& turn, const customer::internal::v1::ReportEndpointsRequest& sent,
                      const absl::Status& status) {
  if (!status.ok()) return PutOffReports();
  reporting_ = false;
  for (const auto& report : sent.reports()) {
    reports_.erase(report.endpoint());
    turn.tx.Delete(ReportKey(report.endpoint()));
  }
}

void Desk::PutOffReports() {
  reporting_ = false;
  report_not_before_us_ = clock_.BootMicros() + kReportRetryMicros;
}

}  // namespace pharos::dispatch
