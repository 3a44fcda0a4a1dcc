// pharos message: single messages under a standing campaign.
#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/dispatch/v1/message_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace dispatch::v1;

std::string StateWord(const Message& message) {
  const std::string state = EnumWord(IntentState_descriptor(), "INTENT_", message.state());
  return message.reason().empty() ? state : fmt::format("{} [{}]", state, message.reason());
}

void ShowMessage(Output& out, const Message& message) {
  if (out.json()) return out.Json(message);
  out.Data(fmt::format("{}  {}", out.Bold(message.name()), StateWord(message)));
  out.Data(fmt::format("  {} version {} of {}, accepted {}", message.template_(), message.template_version(),
                       message.campaign(), Time(message.create_time_us())));
  out.Data(fmt::format("  to {} from {}", message.address(), message.sender()));
  if (!message.reference().empty()) out.Data("  reference " + message.reference());
  if (!message.email_subject().empty()) out.Data("  " + message.email_subject());
  out.Data(message.sms_text().empty() ? message.email_text() : message.sms_text());
}

absl::Status Send(Context& c) {
  SendMessageRequest request;
  request.set_campaign(Name("campaigns", c.args.Operand(0)));
  request.set_template_(Name("templates", c.args.Get("template")));
  request.set_address(c.args.Get("to"));
  const bool email = request.address().find('@') != std::string::npos;
  request.set_channel(email ? type::v1::CHANNEL_EMAIL : type::v1::CHANNEL_SMS);
  request.set_reference(c.args.Get("reference"));
  for (const std::string& pair : c.args.All("value")) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) return UsageError("--value is PLACEHOLDER=TEXT, e.g. name=Sam.");
    (*request.mutable_personalisation())[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  Message sent;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &sent));
  ShowMessage(c.out, sent);
  c.out.Say(fmt::format("Next: pharos message show {}", Short(sent.name())));
  return absl::OkStatus();
}

absl::Status Show(Context& c) {
  GetMessageRequest request;
  request.set_name(Name("messages", c.args.Operand(0)));
  Message message;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &message));
  ShowMessage(c.out, message);
  return absl::OkStatus();
}

absl::Status List(Context& c) {
  ListMessagesRequest request;
  request.set_parent(Name("campaigns", c.args.Operand(0)));
  request.set_reference(c.args.Get("reference"));
  ListMessagesResponse page;
  return c.client.EachPage(request, &page, [&] {
    for (const Message& message : page.messages()) {
      if (c.out.json()) {
        c.out.Json(message);
      } else {
        c.out.Data(fmt::format("{}  {}  {:<30} {}", message.name(), Time(message.create_time_us()),
                               message.address(), StateWord(message)));
      }
    }
    return absl::OkStatus();
  });
}

}  // namespace

std::vector<Command> MessageCommands() {
  return {{"message",
           "send",
           "CAMPAIGN",
           "Send one message through a standing campaign.",
           {"message send booking --template booked --to 07700900123 --value name=Sam --value \"when=Monday "
            "at 9\""},
           {{"template", "TEMPLATE", "one of those approved", true},
            {"to", "ADDRESS", "a mobile number or an email address", true},
            {"value", "NAME=TEXT", "a value for a placeholder; may be repeated", false, true},
            {"reference", "TEXT", "your own, to find it again"}},
           Send},
          {"message",
           "show",
           "MESSAGE",
           "What was sent, and what became of it.",
           {"message show 0198c5f2-1111-7222-8333-444444444444"},
           {},
           Show},
          {"message",
           "list",
           "CAMPAIGN",
           "Messages of a standing campaign, newest first.",
           {"message list booking"},
           {{"reference", "TEXT", "only those with this reference"}},
           List}};
}

}  // namespace pharos::cli
