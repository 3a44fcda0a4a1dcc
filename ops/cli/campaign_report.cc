#include "ops/cli/campaign_report.h"

#include <chrono>
#include <csignal>
#include <thread>

#include "fmt/format.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace campaign::v1;

constexpr auto kPoll = std::chrono::milliseconds(500);

volatile std::sig_atomic_t detached = 0;
void Detach(int) {
  detached = 1;
}

int64_t Sum(const google::protobuf::Map<std::string, int64_t>& parts) {
  int64_t sum = 0;
  for (const auto& [reason, number] : parts) sum += number;
  return sum;
}

absl::StatusOr<Report> Get(Context& c) {
  GetReportRequest request;
  request.set_name(Name("campaigns", c.args.Operand(0)));
  Report report;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &report));
  return report;
}

void AddParts(Table& table, const google::protobuf::Map<std::string, int64_t>& parts) {
  for (const auto& [reason, number] : parts)
    table.Add({"", Thousands(number), ReasonInWords(reason) + " [" + reason + "]"});
}

void ShowReport(Output& out, const Report& r) {
  if (out.json()) return out.Json(r);
  out.Data(fmt::format("{}  {}", out.Bold(r.name()), EnumWord(CampaignState_descriptor(), "", r.state())));
  Table table({"what", "messages", "meaning"});
  table.Add({"matched", Thousands(r.matched()), "people the audience's filter found"});
  table.Add({"left out", Thousands(Sum(r.excluded())), "before sending, by reason"});
  AddParts(table, r.excluded());
  table.Add({"members", Thousands(r.members()), "people it was approved for"});
  table.Add({"pending", Thousands(r.pending()), StateInWords("PENDING")});
  table.Add({"in flight", Thousands(r.in_flight()), StateInWords("IN_FLIGHT")});
  table.Add({"sent", Thousands(r.sent()), "accepted by the provider, no final receipt yet"});
  table.Add({"delivered", Thousands(r.delivered()), StateInWords("INTENT_DELIVERED")});
  table.Add({"failed", Thousands(Sum(r.failed())),
             fmt::format("of them bounced for good: {}", Thousands(r.bounced()))});
  AddParts(table, r.failed());
  table.Add({"unconfirmed", Thousands(r.unconfirmed()), "in doubt; never sent again by itself"});
  table.Add({"withheld", Thousands(Sum(r.withheld())), "not sent, by reason"});
  AddParts(table, r.withheld());
  table.Print(out);
  out.Data(fmt::format("{} people replied STOP.", Thousands(r.opted_out())));
}

std::string OneLine(const Report& r) {
  return fmt::format(
      "{}: {} pending, {} in flight, {} sent, {} delivered, {} failed, {} unconfirmed, {} withheld, {} STOP",
      EnumWord(CampaignState_descriptor(), "", r.state()), Thousands(r.pending()), Thousands(r.in_flight()),
      Thousands(r.sent()), Thousands(r.delivered()), Thousands(Sum(r.failed())), Thousands(r.unconfirmed()),
      Thousands(Sum(r.withheld())), Thousands(r.opted_out()));
}

bool IsOver(const Report& report) {
  return report.state() == FINISHED || report.state() == STOPPED;
}

}  // namespace

absl::Status ReportCampaign(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Report report, Get(c));
  ShowReport(c.out, report);
  return absl::OkStatus();
}

absl::Status WatchCampaign(Context& c) {
  std::signal(SIGINT, Detach);
  while (true) {
    PHAROS_ASSIGN_OR_RETURN(Report report, Get(c));
    if (IsOver(report)) {
      ShowReport(c.out, report);
      return absl::OkStatus();
    }
    if (detached) {
      c.out.Warn(fmt::format("Detached; the campaign goes on. \"pharos campaign stop {}\" would stop it.",
                             Short(report.name())));
      return absl::OkStatus();
    }
    if (c.out.json()) {
      c.out.Json(report);
    } else {
      c.out.Progress(OneLine(report));
    }
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace pharos::cli
