// pharos template: texts, in versions, with the number of SMS parts that they cost.
#include <fstream>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/words.h"
#include "pharos/campaign/v1/template_service.pb.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace campaign::v1;

// Sets what the command line gives: the SMS, the email, or both.
absl::Status SetTexts(const Args& args, Template& into) {
  if (args.Has("text") && args.Has("text-file"))
    return UsageError("Give the SMS text with --text or --text-file, one of them.");
  if (args.Has("email-body-file") && !args.Has("email-subject") && into.email_subject().empty())
    return UsageError("An email needs a subject: --email-subject TEXT.");
  if (args.Has("single-messages")) into.set_single_messages(true);
  if (args.Has("text")) into.set_sms_body(args.Get("text"));
  if (args.Has("text-file")) {
    PHAROS_ASSIGN_OR_RETURN(*into.mutable_sms_body(), FileOf(args, "text-file"));
  }
  if (args.Has("email-subject")) into.set_email_subject(args.Get("email-subject"));
  if (args.Has("email-body-file")) {
    PHAROS_ASSIGN_OR_RETURN(*into.mutable_email_body(), FileOf(args, "email-body-file"));
  }
  if (into.sms_body().empty() && into.email_body().empty())
    return UsageError(
        "Give the SMS text with --text or --text-file, an email with --email-subject and --email-body-file, "
        "or both.");
  return absl::OkStatus();
}

void ShowTemplate(Output& out, const Template& shown) {
  if (out.json()) return out.Json(shown);
  out.Data(fmt::format(
      "{}  version {}{}", out.Bold(shown.name()), shown.version(),
      shown.placeholders().empty() ? "" : fmt::format(", needs {}", fmt::join(shown.placeholders(), ", "))));
  if (!shown.sms_body().empty()) out.Data(shown.sms_body());
  if (shown.email_body().empty()) return;
  if (!shown.sms_body().empty()) out.Data("");
  out.Data(out.Bold("Subject: " + shown.email_subject()));
  out.Data(shown.email_body());
}

absl::Status CreateTemplate(Context& c) {
  CreateTemplateRequest request;
  request.set_template_id(c.args.Operand(0));
  PHAROS_RETURN_IF_ERROR(SetTexts(c.args, *request.mutable_template_()));
  request.mutable_template_()->set_display_name(c.args.Get("display-name", c.args.Operand(0)));
  Template made;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &made));
  ShowTemplate(c.out, made);
  return absl::OkStatus();
}

// Reads it, sets what was given, and writes it with the etag read: nobody else's change is lost.
absl::Status UpdateTemplate(Context& c) {
  GetTemplateRequest get;
  get.set_name(Name("templates", c.args.Operand(0)));
  UpdateTemplateRequest request;
  Template& edited = *request.mutable_template_();
  PHAROS_RETURN_IF_ERROR(c.client.Call(get, &edited));
  PHAROS_RETURN_IF_ERROR(SetTexts(c.args, edited));
  if (c.args.Has("display-name")) edited.set_display_name(c.args.Get("display-name"));
  if (c.args.Has("etag")) edited.set_etag(c.args.Get("etag"));
  Template updated;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &updated));
  ShowTemplate(c.out, updated);
  return absl::OkStatus();
}

absl::Status GetTemplate(Context& c) {
  GetTemplateRequest request;
  request.set_name(Name("templates", c.args.Operand(0)));
  PHAROS_ASSIGN_OR_RETURN(int64_t version, NumberOf(c.args, "version", 0));
  request.set_version(static_cast<uint64_t>(version));
  Template shown;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &shown));
  ShowTemplate(c.out, shown);
  return absl::OkStatus();
}

absl::Status WriteHtml(Context& c, const PreviewTemplateResponse& preview) {
  if (preview.email_html().empty())
    return UsageError("This template has no email, so there is no HTML of it.");
  std::ofstream file(c.args.Get("html"), std::ios::binary | std::ios::trunc);
  file << preview.email_html();
  file.close();
  if (!file) return UsageError(fmt::format("The file {} cannot be written.", c.args.Get("html")));
  c.out.Say(fmt::format("The email as HTML is in {}", c.args.Get("html")));
  return absl::OkStatus();
}

void ShowPreview(Output& out, const PreviewTemplateResponse& preview) {
  if (!preview.sms_text().empty()) {
    out.Data(preview.sms_text());
    out.Say(fmt::format("{} characters, {} SMS part{} ({})", preview.characters(), preview.parts(),
                        preview.parts() == 1 ? "" : "s", preview.encoding()));
    for (const std::string& hint : preview.hints()) out.Say("  This would make it shorter: " + hint);
  }
  if (preview.email_text().empty()) return;
  if (!preview.sms_text().empty()) out.Data("");
  out.Data(out.Bold("Subject: " + preview.email_subject()));
  out.Data(preview.email_text());
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
  } else {
    ShowPreview(c.out, preview);
  }
  return c.args.Has("html") ? WriteHtml(c, preview) : absl::OkStatus();
}

}  // namespace

std::vector<Command> TemplateCommands() {
  return {{"template",
           "create",
           "ID",
           "Save a text with ((placeholders)) and ((condition??text)).",
           {"template create quit-1 --text 'Hello ((first name)), ready to quit? Reply STOP to end.'",
            "template create quit-2 --text-file quit-2.txt --email-subject 'Ready to quit?' "
            "--email-body-file quit-2.md",
            "template create booked --single-messages --text 'See you on ((date)), ((name)).'"},
           {{"text", "TEXT", "the SMS text"},
            {"text-file", "FILE", "a file with the SMS text"},
            {"email-subject", "TEXT", "subject of the email"},
            {"email-body-file", "FILE", "a file with the email in Markdown; text and HTML are made of it"},
            {"single-messages", "", "for single messages: each brings what its placeholders name"},
            {"display-name", "TEXT", "name for people"}},
           CreateTemplate},
          {"template",
           "update",
           "TEMPLATE",
           "A new version; what is not given stays. Approvals of campaigns with the old one are void.",
           {"template update quit-1 --text-file quit-1.txt",
            "template update quit-1 --email-subject 'Ready to quit?' --email-body-file quit-1.md"},
           {{"text", "TEXT", "the SMS text"},
            {"text-file", "FILE", "a file with the SMS text"},
            {"email-subject", "TEXT", "subject of the email"},
            {"email-body-file", "FILE", "a file with the email in Markdown"},
            {"display-name", "TEXT", "name for people"},
            {"etag", "ETAG", "refuse if it is not this version any more"}},
           UpdateTemplate},
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
           "The texts as they would go, and how many SMS parts they take.",
           {"template preview quit-1 --value given_name=Sam",
            "template preview quit-1 --value given_name=Sam --html quit-1.html"},
           {{"value", "FIELD=TEXT", "value of a placeholder; may be repeated", false, true},
            {"html", "FILE", "write the email's HTML there, to look at in a browser"}},
           PreviewTemplate}};
}

}  // namespace pharos::cli
