// pharos intent, pharos reply, pharos connector: what became of single messages.
#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/dispatch/v1/connector_service.pb.h"
#include "pharos/dispatch/v1/intent_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace dispatch::v1;

constexpr int kPage = 1000;

std::string InWords(const Intent& intent) {
  std::string words = StateInWords(IntentState_Name(intent.state()));
  return intent.reason().empty()
             ? words
             : fmt::format("{}: {} [{}]", words, ReasonInWords(intent.reason()), intent.reason());
}

absl::Status ListIntents(Context& c) {
  ListIntentsRequest request;
  request.set_parent(Name("campaigns", c.args.Get("campaign")));
  request.set_page_size(kPage);
  if (c.args.Has("state")) {
    std::string word = c.args.Get("state") == "delivered" ? "intent-delivered" : c.args.Get("state");
    PHAROS_ASSIGN_OR_RETURN(int state, Enum(IntentState_descriptor(), "", word));
    request.set_state(static_cast<IntentState>(state));
  }
  ListIntentsResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Intent& intent : page.intents()) {
      if (c.out.json()) {
        c.out.Json(intent);
      } else {
        c.out.Data(fmt::format("{}  {}", intent.name(), InWords(intent)));
      }
    }
    return absl::OkStatus();
  });
}

absl::Status ShowIntent(Context& c) {
  GetIntentRequest request;
  request.set_name(c.args.Operand(0));
  Intent intent;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &intent));
  if (c.out.json()) {
    c.out.Json(intent);
    return absl::OkStatus();
  }
  c.out.Data(fmt::format("{}  {}", c.out.Bold(intent.name()), InWords(intent)));
  for (const Intent::Event& event : intent.events()) {
    c.out.Data(fmt::format("  {}  {}{}", Time(event.time_us()), StateInWords(IntentState_Name(event.state())),
                           event.reason().empty() ? "" : ": " + ReasonInWords(event.reason())));
  }
  return absl::OkStatus();
}

absl::Status ListReplies(Context& c) {
  ListRepliesRequest request;
  ListRepliesResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Reply& reply : page.replies()) {
      if (c.out.json()) {
        c.out.Json(reply);
        continue;
      }
      std::string acknowledged = "not acknowledged yet";
      if (reply.acknowledged_time_ns() > 0) {
        acknowledged = fmt::format("acknowledged after {:.2f} s",
                                   (reply.acknowledged_time_ns() - reply.received_time_ns()) / 1e9);
      }
      c.out.Data(fmt::format("{}  {:<6} {}  {}  {}", Time(reply.received_time_ns() / 1000), reply.kind(),
                             reply.endpoint(), acknowledged, reply.campaign()));
    }
    return absl::OkStatus();
  });
}

absl::Status ListConnectors(Context& c) {
  ListConnectorsResponse connectors;
  PHAROS_RETURN_IF_ERROR(c.client.Call(ListConnectorsRequest(), &connectors));
  for (const Connector& connector : connectors.connectors()) {
    if (c.out.json()) {
      c.out.Json(connector);
      continue;
    }
    c.out.Data(fmt::format("{}  {}{}, link {}, {} in flight, {} lease breaches  {}", connector.name(),
                           connector.connected() ? "connected" : "not connected",
                           connector.sandbox() ? " (sandbox)" : "", connector.link_up() ? "up" : "down",
                           connector.in_flight(), connector.lease_breaches(), connector.detail()));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> DispatchCommands() {
  return {{"intent",
           "list",
           "",
           "The messages of one campaign and what became of each.",
           {"intent list --campaign quit-1 --state unconfirmed", "intent list --campaign quit-1 --json"},
           {{"campaign", "CAMPAIGN", "whose", true},
            {"state", "STATE", "only pending, in-flight, sent, delivered, failed, unconfirmed or withheld"}},
           ListIntents},
          {"intent",
           "show",
           "INTENT",
           "One message with its history.",
           {"intent show campaigns/quit-1/intents/1-01jd3v7m8q"},
           {},
           ShowIntent},
          {"reply",
           "list",
           "",
           "What people replied, oldest first; no texts, no numbers.",
           {"reply list"},
           {},
           ListReplies},
          {"connector",
           "list",
           "",
           "Connectors, and whether their provider's link is up.",
           {"connector list"},
           {},
           ListConnectors}};
}

}  // namespace pharos::cli
