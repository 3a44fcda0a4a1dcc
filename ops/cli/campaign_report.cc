#include "ops/cli/campaign_report.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "fmt/format.h"
#include "ops/cli/watch_client.h"
#include "ops/cli/words.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "pharos/engagement/v1/engagement_service.pb.h"
#include "services/base/clock.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace campaign::v1;

constexpr auto kAsk = std::chrono::seconds(1);
constexpr auto kPause = std::chrono::milliseconds(200);
constexpr int64_t kSettleUs = 1'000'000;       // numbers are at most so far behind
constexpr int64_t kWorthSayingUs = 2'000'000;  // of delay
constexpr int kPage = 1000;

volatile std::sig_atomic_t detached = 0;
void Detach(int) {
  detached = 1;
}

template <typename Parts>
int64_t Sum(const Parts& parts) {
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

// "CHANNEL_EMAIL" → "email".
std::string ChannelWord(const std::string& name) {
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  return type::v1::Channel_Parse(name, &channel)
             ? EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", channel)
             : name;
}

void ShowLinks(Output& out, const Report& r) {
  if (r.followed_links().empty()) return;
  out.Data(fmt::format("Links followed by people: {}. Only people who agreed to be measured are counted.",
                       Thousands(r.followed())));
  Table table({"link", "people", "address"});
  for (const FollowedLink& link : r.followed_links())
    table.Add({std::to_string(link.link()), Thousands(link.followed()), link.url()});
  table.Print(out);
}

void ShowReport(Output& out, const Report& r) {
  if (out.json()) return out.Json(r);
  out.Data(fmt::format("{}  {}", out.Bold(r.name()), EnumWord(CampaignState_descriptor(), "", r.state())));
  Table table({"what", "messages", "meaning"});
  table.Add({"matched", Thousands(r.matched()), "people the audience's filter found"});
  table.Add({"left out", Thousands(Sum(r.excluded())), "before sending, by reason"});
  AddParts(table, r.excluded());
  table.Add({"members", Thousands(r.members()), "people it was approved for"});
  for (const auto& [channel, number] : r.accepted_by_channel())
    table.Add({"by " + ChannelWord(channel), Thousands(number), "accepted by providers, fallbacks included"});
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
  out.Data(fmt::format("{} people replied STOP or unsubscribed, {} complained.", Thousands(r.opted_out()),
                       Thousands(r.complained())));
  ShowLinks(out, r);
  if (r.parts() > 0)
    out.Data(fmt::format("{} parts were accepted; by the routes' prices they cost {}.", Thousands(r.parts()),
                         Pounds(r.cost_micropounds())));
  if (!r.held().empty())
    out.Data(fmt::format(
        "{} {}. \"pharos campaign resume {}\" lets it go on, \"pharos campaign stop {}\" ends it.",
        out.Bold("Held:"), r.held(), Short(r.name()), Short(r.name())));
}

std::string OneLine(const engagement::v1::Counters& counters) {
  const type::v1::TallyChange& t = counters.tally();
  std::string line = fmt::format(
      "{} pending, {} in flight, {} sent, {} delivered, {} failed, {} unconfirmed, {} withheld, {} STOP",
      Thousands(t.pending()), Thousands(t.in_flight()), Thousands(t.sent()), Thousands(t.delivered()),
      Thousands(Sum(t.failed())), Thousands(t.unconfirmed()), Thousands(Sum(t.withheld())),
      Thousands(t.opted_out()));
  if (counters.behind_us() > kWorthSayingUs)
    line += fmt::format(" (nothing heard of dispatch for {:.0f} s)", counters.behind_us() / 1e6);
  if (counters.wrong_from_position() != 0)
    line += " (these numbers stand still: dispatch's log does not add up from here on; tell an operator)";
  return line;
}

bool IsOver(const Campaign& campaign) {
  return campaign.state() == FINISHED || campaign.state() == STOPPED;
}

// Two calls at a time: the numbers stream in on one thread, on another the campaign is asked each second
// whether it is over.
class Watch {
 public:
  explicit Watch(Context& c)
      : c_(c), asker_(Impatient(c.client.options())), name_(Name("campaigns", c.args.Operand(0))) {}

  absl::Status Run() {
    PHAROS_RETURN_IF_ERROR(Ask(c_.client));
    auto last_heard = SteadyClock::now();
    const std::chrono::duration<double> patience(c_.client.options().patience_s);
    while (true) {
      absl::Status status = FollowCounters(
          c_.client, name_, [this](const auto& counters) { Show(counters); }, [this] { return Enough(); });
      if (detached || seen_last_) return End();
      if (heard_) last_heard = SteadyClock::now();
      heard_ = false;
      // An hour is over, or the server restarts: follow again.
      const bool passing =
          absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsAborted(status);
      if (!status.ok() && !passing) return status;
      if (SteadyClock::now() - last_heard > patience) {
        if (over_) return End();
        if (!status.ok()) return status;
      }
      std::this_thread::sleep_for(kPause);
    }
  }

 private:
  using SteadyClock = std::chrono::steady_clock;

  // The next question comes in a second anyway.
  static ClientOptions Impatient(ClientOptions options) {
    options.patience_s = 0;
    return options;
  }

  absl::Status Ask(Client& client) {
    GetCampaignRequest request;
    request.set_name(name_);
    Campaign campaign;
    PHAROS_RETURN_IF_ERROR(client.Call(request, &campaign));
    if (IsOver(campaign) && !over_) {
      over_at_us_ = base::Clock::System().BootMicros();
      over_ = true;
    }
    asked_ = SteadyClock::now();
    return absl::OkStatus();
  }

  // On the watching thread. A campaign that cannot be asked just now goes on.
  bool Enough() {
    if (!over_ && SteadyClock::now() - asked_ > kAsk) Ask(asker_).IgnoreError();
    return detached || seen_last_;
  }

  void Show(const engagement::v1::Counters& counters) {
    heard_ = true;
    if (c_.out.json()) {
      c_.out.Json(counters);
      std::fflush(stdout);
    } else {
      c_.out.Progress(OneLine(counters));
    }
    // Numbers that come a second after the end have everything.
    if (over_ && base::Clock::System().BootMicros() > over_at_us_ + kSettleUs) seen_last_ = true;
  }

  absl::Status End() {
    if (!over_ && detached) {
      c_.out.Warn(fmt::format("Detached; the campaign goes on. \"pharos campaign stop {}\" would stop it.",
                              Short(name_)));
      return absl::OkStatus();
    }
    if (c_.out.json()) return absl::OkStatus();
    PHAROS_ASSIGN_OR_RETURN(Report report, Get(c_));
    ShowReport(c_.out, report);
    return absl::OkStatus();
  }

  Context& c_;
  Client asker_;  // a client is of one thread
  const std::string name_;
  SteadyClock::time_point asked_;
  std::atomic<bool> over_{false}, seen_last_{false};
  std::atomic<int64_t> over_at_us_{0};
  bool heard_ = false;
};

}  // namespace

absl::Status ReportCampaign(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(Report report, Get(c));
  ShowReport(c.out, report);
  return absl::OkStatus();
}

absl::Status WatchCampaign(Context& c) {
  std::signal(SIGINT, Detach);
  Watch watch(c);
  return watch.Run();
}

absl::Status ListEvents(Context& c) {
  engagement::v1::ListEventsRequest request;
  request.set_campaign(Name("campaigns", c.args.Operand(0)));
  request.set_person(Name("people", c.args.Get("person")));
  request.set_page_size(kPage);
  engagement::v1::ListEventsResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const auto& event : page.events()) {
      if (c.out.json()) {
        c.out.Json(event);
        continue;
      }
      std::string state =
          dispatch::v1::IntentState_Name(static_cast<dispatch::v1::IntentState>(event.event().state()));
      std::string reason = event.event().reason();
      c.out.Data(fmt::format("{}  {}  {}  {}{}", Time(event.time_us()), event.event().person(),
                             EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", event.event().channel()),
                             StateInWords(state), reason.empty() ? "" : ": " + ReasonInWords(reason)));
    }
    return absl::OkStatus();
  });
}

}  // namespace pharos::cli
