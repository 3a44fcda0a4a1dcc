// pharos template: texts, in versions, with the number of SMS parts that they cost.
#include <fstream>
#include <sstream>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace campaign::v1;

absl::StatusOr<std::string> TextOf(const Args& args) {
  if (args.Has("text") == args.Has("text-file"))
    return UsageError("Give the text with --text or --text-file, one of them.");
  if (args.Has("text")) return args.Get("text");
  std::ifstream file(args.Get("text-file"), std::ios::binary);
  if (!file) return UsageError(fmt::format("The file {} cannot be read.", args.Get("text-file")));
  std::ostringstream text;
  text << file.rdbuf();
  std::string body = text.str();
  while (!body.empty() && body.back() == '\n') body.pop_back();
  return body;
}

void ShowTemplate(Output& out, const Template& shown) {
  if (out.json()) return out.Json(shown);
  out.Data(fmt::format(
      "{}  version {}{}", out.Bold(shown.name()), shown.version(),
      shown.placeholders().empty() ? "" : fmt::format(", needs {}", fmt::join(shown.placeholders(), ", "))));
  out.Data(shown.sms_body());
}

absl::Status CreateTemplate(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(std::string text, TextOf(c.args));
  CreateTemplateRequest request;
  request.set_template_id(c.args.Operand(0));
  request.mutable_template_()->set_sms_body(text);
  request.mutable_template_()->set_display_name(c.args.Get("display-name", c.args.Operand(0)));
  Template made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowTemplate(c.out, made);
  return absl::OkStatus();
}

absl::Status GetTemplate(Context& c) {
  GetTemplateRequest request;
  request.set_name(Name("templates", c.args.Operand(0)));
  request.set_version(std::strtoull(c.args.Get("version", "0").c_str(), nullptr, 10));
  Template shown;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &shown));
  ShowTemplate(c.out, shown);
  return absl::OkStatus();
}

absl::Status PreviewTemplate(Context& c) {
  PreviewTemplateRequest request;
  request.set_name(Name("templates", c.args.Operand(0)));
  for (const std::string& pair : c.args.All("value")) {
    size_t equals = pair.find('=');
    if (equals == std::string::npos) return UsageError("--value is FIELD=TEXT, e.g. given_name=Sam.");
    (*request.mutable_values())[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  PreviewTemplateResponse preview;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &preview));
  if (c.out.json()) {
    c.out.Json(preview);
    return absl::OkStatus();
  }
  c.out.Data(preview.sms_text());
  c.out.Say(fmt::format("{} characters, {} SMS part{} ({})", preview.characters(), preview.parts(),
                        preview.parts() == 1 ? "" : "s", preview.encoding()));
  for (const std::string& hint : preview.hints()) c.out.Say("  This would make it shorter: " + hint);
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> TemplateCommands() {
  return {{"template",
           "create",
           "ID",
           "Save a text with ((placeholders)) and ((condition??text)).",
           {"template create quit-1 --text 'Hello ((first name)), ready to quit? Reply STOP to end.'",
            "template create quit-2 --text-file quit-2.txt"},
           {{"text", "TEXT", "the SMS text"},
            {"text-file", "FILE", "a file with the SMS text"},
            {"display-name", "TEXT", "name for people"}},
           CreateTemplate},
          {"template",
           "show",
           "TEMPLATE",
           "A text as it stands.",
           {"template show quit-1"},
           {{"version", "NUMBER", "an earlier version"}},
           GetTemplate},
          {"template",
           "preview",
           "TEMPLATE",
           "The text as it would go, and how many SMS parts it takes.",
           {"template preview quit-1 --value given_name=Sam"},
           {{"value", "FIELD=TEXT", "value of a placeholder; may be repeated", false, true}},
           PreviewTemplate}};
}

}  // namespace pharos::cli
