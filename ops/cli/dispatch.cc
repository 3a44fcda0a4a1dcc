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
      c.out.Data(fmt::format("{}  {:<6} {}  {}  {}{}", Time(reply.received_time_ns() / 1000), reply.kind(),
                             reply.endpoint(), acknowledged, reply.campaign(),
                             reply.for_review() ? "  (free text: read it)" : ""));
    }
    return absl::OkStatus();
  });
}

std::string LinkInWords(const Connector& connector) {
  if (!connector.connected()) return "not connected: its process is gone, or cannot reach dispatch";
  std::string words = connector.link_up() ? "up" : "down";
  if (!connector.problem().empty())
    words += fmt::format(": {} [{}]", ProblemInWords(connector.problem()), connector.problem());
  if (!connector.detail().empty()) words += fmt::format(" ({})", connector.detail());
  return words;
}

std::string PauseInWords(const Connector& connector) {
  const std::string until =
      connector.paused_until_us() > 0
          ? "until " + Time(connector.paused_until_us())
          : fmt::format("until \"pharos connector resume {}\"", Short(connector.name()));
  return fmt::format("paused {}{}", until,
                     connector.pause_reason().empty() ? "" : ": " + connector.pause_reason());
}

void ShowConnector(Output& out, const Connector& connector) {
  if (out.json()) return out.Json(connector);
  out.Data(fmt::format("{}  {}{}, {}", out.Bold(connector.name()),
                       EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", connector.channel()),
                       connector.sandbox() ? " (sandbox)" : "", LinkInWords(connector)));
  if (connector.paused()) out.Data("  " + PauseInWords(connector));
  out.Data(fmt::format(
      "  priority {}, {} accepted, {} in flight, {} unconfirmed{}{}", connector.priority(),
      Thousands(connector.accepted()), Thousands(connector.in_flight()), Thousands(connector.unconfirmed()),
      connector.rate() > 0 ? fmt::format(", the provider takes {:.3g} a second", connector.rate()) : "",
      connector.lease_breaches() > 0 ? fmt::format(", {} lease breaches", connector.lease_breaches()) : ""));
  for (const auto& [reason, number] : connector.refused())
    out.Data(fmt::format("    {} refused: {} [{}]", Thousands(number), ReasonInWords(reason), reason));
}

absl::Status ListConnectors(Context& c) {
  ListConnectorsResponse connectors;
  PHAROS_RETURN_IF_ERROR(c.client.Call(ListConnectorsRequest(), &connectors));
  for (const Connector& connector : connectors.connectors()) ShowConnector(c.out, connector);
  return absl::OkStatus();
}

absl::Status PauseConnector(Context& c) {
  PauseConnectorRequest request;
  request.set_name(Name("connectors", c.args.Operand(0)));
  request.set_reason(c.args.Get("reason"));
  Connector connector;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &connector));
  ShowConnector(c.out, connector);
  c.out.Say(fmt::format("Next: pharos connector resume {}", Short(request.name())));
  return absl::OkStatus();
}

absl::Status ResumeConnector(Context& c) {
  ResumeConnectorRequest request;
  request.set_name(Name("connectors", c.args.Operand(0)));
  Connector connector;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &connector));
  ShowConnector(c.out, connector);
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
           "When replies came and took effect, oldest first; what they say: pharos inbox list.",
           {"reply list"},
           {},
           ListReplies},
          {"connector",
           "list",
           "",
           "Connectors: whether their provider's link is up, what they have sent, what was refused and why.",
           {"connector list"},
           {},
           ListConnectors},
          {"connector",
           "pause",
           "CONNECTOR",
           "Send nothing more by it, until it is resumed.",
           {"connector pause smpp-main --reason \"the provider works on its network\""},
           {{"reason", "TEXT", "shown to others; no personal data"}},
           PauseConnector},
          {"connector",
           "resume",
           "CONNECTOR",
           "Send by it again, whoever or whatever paused it.",
           {"connector resume smpp-main"},
           {},
           ResumeConnector}};
}

}  // namespace pharos::cli
