// Whether messages can leave.
#include "services/edge/console/operation_pages.h"

#include <fmt/format.h>

#include "pharos/dispatch/v1/connector_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/operation_words.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = dispatch::v1;

namespace {

// ---- Connectors
// --------------------------------------------------------------------------------------------

absl::StatusOr<v1::ListConnectorsResponse> Connectors(const Visit& visit) {
  v1::ListConnectorsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(v1::ListConnectorsRequest(), &response));
  return response;
}

std::string PausedInWords(const v1::Connector& connector) {
  const std::string why = connector.pause_reason().empty() ? "" : ": " + connector.pause_reason();
  return connector.paused_until_us() > 0
             ? fmt::format("Until {}{}", TimeInWords(connector.paused_until_us()), why)
             : fmt::format("Until somebody resumes it{}", why);
}

Section SectionOf(const v1::Connector& connector, bool may_steer) {
  Section section;
  section.heading = IdOf(connector.name());
  section.facts = {
      {"State", Tag(HealthInWords(connector), HealthColour(connector)), "", ""},
      {"Carries", {connector.channel() == type::v1::CHANNEL_EMAIL ? "Emails" : "Text messages"}, "", ""}};
  const auto add = [&](const char* key, std::string words) {
    if (!words.empty()) section.facts.push_back({key, {std::move(words)}, "", ""});
  };
  add("Network", connector.sandbox() ? "Simulated" : "Real");
  if (connector.paused()) add("Paused", PausedInWords(connector));
  add("Problem", connector.problem().empty() ? "" : ProblemInWords(connector.problem()));
  add("In its words", connector.detail());
  add("Accepted by the provider", Thousands(connector.accepted()));
  add("On their way", Thousands(connector.in_flight()));
  add("In doubt", Thousands(connector.unconfirmed()));
  for (const auto& [reason, many] : connector.refused())
    section.facts.push_back({fmt::format("Refused: {}", ProblemInWords(reason)), {Thousands(many)}, "", ""});
  if (connector.rate() > 0) add("The provider takes", fmt::format("{:.3g} a second", connector.rate()));
  if (connector.lease_breaches() > 0)
    add("Leases broken", fmt::format("{}: tell whoever keeps Pharos running", connector.lease_breaches()));
  const std::string path = fmt::format("/console/connectors/{}/{}", EscapeForUrl(IdOf(connector.name())),
                                       connector.paused() ? "resume" : "pause");
  if (may_steer) section.buttons = {{connector.paused() ? "Resume" : "Pause", path, true}};
  return section;
}

absl::StatusOr<Reply> ShowConnectors(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const auto response, Connectors(visit));
  std::vector<Section> sections;
  for (const v1::Connector& connector : response.connectors())
    sections.push_back(SectionOf(connector, visit.May("connectors.steer")));
  if (sections.empty()) {
    sections.emplace_back();
    sections.back().paragraphs = {"No connector has been seen yet. Messages wait until one is started."};
  }
  Model model = PageModel("Connectors", sections);
  AddCopyAs(model,
            "pharos connector list\npharos connector pause NAME --reason \"the provider is being mended\"",
            "dispatch.v1.ConnectorService/ListConnectors", "{}");
  return Show("sections", std::move(model));
}

FormPage SteerPage(const std::string& name, bool pause) {
  FormPage page;
  page.title = fmt::format("{} {}", pause ? "Pause" : "Resume", name);
  page.back = "/console/connectors";
  page.button = pause ? "Pause it" : "Resume it";
  if (pause) {
    page.warning =
        "From at most a second later it sends nothing. What it has not begun waits, or takes another route.";
    page.fields = {
        {Field::Kind::kText, "reason", "Why", "Others will read this. Do not write names or numbers."}};
  } else {
    page.paragraphs = {"What waits for it leaves again, as fast as the rules allow."};
  }
  return page;
}

absl::StatusOr<Reply> ShowPause(Visit& visit) {
  return ShowForm(SteerPage(visit.args[0], true));
}
absl::StatusOr<Reply> ShowResume(Visit& visit) {
  return ShowForm(SteerPage(visit.args[0], false));
}

absl::StatusOr<Reply> Pause(Visit& visit) {
  const FormPage page = SteerPage(visit.args[0], true);
  if (visit.form.Get("reason").empty())
    return ShowFormErrors(Refilled(page, visit.form), {{"reason", "Enter why it is paused"}});
  v1::PauseConnectorRequest request;
  request.set_name(fmt::format("connectors/{}", visit.args[0]));
  request.set_reason(visit.form.Get("reason"));
  request.set_request_id(visit.form.Get("request_id"));
  v1::Connector connector;
  return Settle(visit, page, visit.Call(request, &connector), "/console/connectors",
                fmt::format("{} is paused.", visit.args[0]));
}

absl::StatusOr<Reply> Resume(Visit& visit) {
  v1::ResumeConnectorRequest request;
  request.set_name(fmt::format("connectors/{}", visit.args[0]));
  request.set_request_id(visit.form.Get("request_id"));
  v1::Connector connector;
  return Settle(visit, SteerPage(visit.args[0], false), visit.Call(request, &connector),
                "/console/connectors", fmt::format("{} is resumed.", visit.args[0]));
}

}  // namespace

void AddConnectorPages(Routes& routes) {
  routes.Get("/console/connectors", "connectors.read", &ShowConnectors);
  routes.Get("/console/connectors/{}/pause", "connectors.steer", &ShowPause);
  routes.Post("/console/connectors/{}/pause", "connectors.steer", &Pause);
  routes.Get("/console/connectors/{}/resume", "connectors.steer", &ShowResume);
  routes.Post("/console/connectors/{}/resume", "connectors.steer", &Resume);
}

void AddOperationPages(Routes& routes) {
  AddInboxPages(routes);
  AddConnectorPages(routes);
  AddQuestionPages(routes);
  AddPrincipalPages(routes);
  AddActPages(routes);
}

}  // namespace pharos::edge::console
