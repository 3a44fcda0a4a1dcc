// A text sent to whoever works on it: the form, and what became of the message.
#include "services/edge/console/try_out_pages.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/campaign_words.h"
#include "services/edge/console/try_out.h"

namespace pharos::edge::console {
namespace {

namespace v1 = campaign::v1;
using Dispatched = dispatch::v1::Message;

// Which of its texts can be sent.
struct Ways {
  bool sms = false, email = false;
};

Ways WaysOf(const TryOut& try_out, const v1::Template& text) {
  return {!text.sms_body().empty() && try_out.by_sms(), !text.email_body().empty() && try_out.by_email()};
}

absl::Status NotSetUp() {
  return base::MakeError(absl::StatusCode::kFailedPrecondition, "TRY_OUT_NOT_SET_UP",
                         "Sending to yourself is not set up here. Ask whoever keeps Pharos running for "
                         "[edge.try_out] in the configuration.");
}

uint64_t VersionOf(const std::string& text) {
  const bool number =
      !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::stoull(text) : 0;
}

absl::StatusOr<v1::Template> TemplateOf(const Visit& visit) {
  if (visit.try_out == nullptr) return NotSetUp();
  v1::GetTemplateRequest request;
  request.set_name("templates/" + visit.args[0]);
  request.set_version(VersionOf(visit.query.Get("version")));
  v1::Template text;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &text));
  return text;
}

std::string BackOf(const Visit& visit) {
  const std::string campaign = visit.query.Get("campaign");
  return campaign.empty() ? "/console/templates/" + visit.args[0]
                          : "/console/campaigns/" + EscapeForUrl(campaign);
}

std::string LabelOf(Ways ways) {
  if (ways.sms && ways.email) return "our mobile number, or your email address";
  return ways.sms ? "our mobile number" : "our email address";
}

FormPage FormOf(const Visit& visit, const v1::Template& text, Ways ways) {
  FormPage page;
  page.title = "Send it to yourself";
  page.back = BackOf(visit);
  page.paragraphs = {
      fmt::format("You get version {} with made-up values in it: \"Sam\" for a name.", text.version())};
  if (ways.email)
    page.paragraphs.push_back(
        "An email comes as its plain text; how it looks in full is shown on the page before.");
  if (!visit.session->live)
    page.paragraphs.push_back(
        "This is a trial, so it goes to the simulated network and not to your phone. What arrived "
        "there is shown on the next page.");
  Field address{Field::Kind::kText, "address", "Y" + LabelOf(ways),
                "Only an address of your own. One that Pharos does not know yet becomes a record, so that a "
                "STOP from it holds.",
                ""};
  address.width = "govuk-input--width-20";
  page.fields = {address};
  page.button = "Send it";
  return page;
}

absl::StatusOr<Reply> ShowTry(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Template text, TemplateOf(visit));
  const Ways ways = WaysOf(*visit.try_out, text);
  if (!ways.sms && !ways.email) return NotSetUp();
  return ShowForm(FormOf(visit, text, ways));
}

// Which channel an address is for; an error in words where the text has none for it.
absl::StatusOr<type::v1::Channel> ChannelFor(const std::string& address, Ways ways) {
  const bool email = address.find('@') != std::string::npos;
  if (!address.empty() && (email ? ways.email : ways.sms))
    return email ? type::v1::CHANNEL_EMAIL : type::v1::CHANNEL_SMS;
  return base::MakeError(absl::StatusCode::kInvalidArgument, "ADDRESS_WRONG", "Enter y" + LabelOf(ways));
}

absl::StatusOr<Reply> SendTry(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Template text, TemplateOf(visit));
  const Ways ways = WaysOf(*visit.try_out, text);
  const std::string address = visit.form.Get("address");
  const FormPage page = FormOf(visit, text, ways);
  const auto channel = ChannelFor(address, ways);
  if (!channel.ok())
    return ShowFormErrors(Refilled(page, visit.form), {{"address", WordsOf(channel.status())}});
  const auto sample = *channel == type::v1::CHANNEL_SMS ? SampleSms(text) : SampleEmail(text);
  if (!sample.ok()) return Settle(visit, page, sample.status(), "", "");
  const auto sent =
      visit.try_out->Send(visit.session->principal, *channel, address, *sample, visit.form.Get("request_id"));
  if (!sent.ok()) return Settle(visit, page, sent.status(), "", "");
  return Go(fmt::format("/console/try/{}?template={}", base::Segment(*sent, "messages"), visit.args[0]));
}

// ---- What became of it ------------------------------------------------------------------------------------

struct StateWords {
  const char *words, *colour;
};

StateWords WordsOfState(const Dispatched& message) {
  switch (message.state()) {
    case dispatch::v1::SENT:
      return {"Accepted by the network", "light-blue"};
    case dispatch::v1::INTENT_DELIVERED:
      return {"Delivered", "green"};
    case dispatch::v1::FAILED:
      return {"Failed", "red"};
    case dispatch::v1::WITHHELD:
      return {"Not sent", "orange"};
    case dispatch::v1::UNCONFIRMED:
      return {"Nobody knows whether it arrived", "yellow"};
    default:
      return {"On its way", "blue"};
  }
}

Section FactsOf(const Dispatched& message) {
  const StateWords state = WordsOfState(message);
  Section section;
  section.facts = {{"Status", Tag(state.words, state.colour), "", ""},
                   {"To", {message.address()}, "", ""},
                   {"From", {message.sender()}, "", ""},
                   {"Asked for", {TimeInWords(message.create_time_us())}, "", ""}};
  if (!message.reason().empty())
    section.facts.push_back({"Why", {ReasonForPeople(message.reason())}, "", ""});
  if (message.parts() > 0) section.facts.push_back({"Parts", Number(message.parts()), "", ""});
  if (!message.email_subject().empty())
    section.facts.push_back({"Subject", {message.email_subject()}, "", ""});
  section.heading = "What was sent";
  section.code = message.sms_text().empty() ? message.email_text() : message.sms_text();
  if (message.end_time_us() == 0) section.buttons = {{"Look again", "", true}};
  return section;
}

absl::StatusOr<Reply> ShowTried(Visit& visit) {
  if (visit.try_out == nullptr) return NotSetUp();
  PHAROS_ASSIGN_OR_RETURN(const Dispatched message,
                          visit.try_out->Get(visit.session->principal, "messages/" + visit.args[0]));
  const std::string from = visit.query.Get("template");
  Section facts = FactsOf(message);
  for (Button& button : facts.buttons)
    button.href = fmt::format("/console/try/{}?template={}", visit.args[0], EscapeForUrl(from));
  return Show("sections",
              PageModel("Sent to yourself", {facts},
                        from.empty() ? "/console/templates" : "/console/templates/" + EscapeForUrl(from)));
}

}  // namespace

Section TryOutSection(const Visit& visit, std::string_view name, uint64_t version,
                      const std::string& campaign) {
  Section section;
  if (visit.try_out == nullptr || name.empty()) return section;
  if (!visit.May("templates.read") || (!visit.May("templates.write") && !visit.May("campaigns.approve")))
    return section;
  std::string href =
      fmt::format("/console/templates/{}/try?version={}", base::Segment(name, "templates"), version);
  if (!campaign.empty()) href += "&campaign=" + EscapeForUrl(base::Segment(campaign, "campaigns"));
  section.buttons = {{"Send it to yourself", href, true}};
  return section;
}

void AddTryOutPages(Routes& routes) {
  routes.Get("/console/templates/{}/try", "templates.read", &ShowTry);
  routes.Post("/console/templates/{}/try", "templates.read", &SendTry);
  routes.Get("/console/try/{}", "templates.read", &ShowTried);
}

}  // namespace pharos::edge::console
