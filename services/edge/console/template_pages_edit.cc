// Writing a template: one form, and beside it what people will see, while somebody types.
#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/marketing_page.h"
#include "services/edge/console/template_pages.h"

namespace pharos::edge::console {
namespace {

namespace v1 = campaign::v1;

std::vector<Field> FieldsOf(const v1::Template& text, bool fresh) {
  std::vector<Field> fields;
  if (fresh) {
    Field id{Field::Kind::kText, "template_id", "Short name",
             "For programs: small letters, digits and hyphens, like quit-1. It cannot be changed later."};
    id.width = "govuk-input--width-20";
    fields.push_back(id);
  }
  Field name{Field::Kind::kText, "display_name", "Template name", "Only you and your colleagues see it"};
  name.value = text.display_name();
  Field sms{Field::Kind::kArea, "sms_body", "Text message",
            "Put in what we know with ((first name)), or leave a part out for some with ((condition??text))"};
  sms.value = text.sms_body();
  Field subject{Field::Kind::kText, "email_subject", "Email subject",
                "Leave subject and email empty if it is a text message only"};
  subject.value = text.email_subject();
  Field body{Field::Kind::kArea, "email_body", "Email",
             "# begins a heading, - an item of a list; [words](https://example.org) is a link"};
  body.value = text.email_body();
  Field etag{Field::Kind::kHidden, "etag"};
  etag.value = text.etag();
  Field single{Field::Kind::kHidden, "single_messages"};
  single.value = text.single_messages() ? "1" : "";
  for (const Field& field : {name, sms, subject, body, etag, single}) fields.push_back(field);
  return fields;
}

// Browsers send lines that end in CR LF.
std::string Lines(std::string text) {
  std::erase(text, '\r');
  return text;
}

v1::Template Given(const FormValues& form) {
  v1::Template text;
  text.set_display_name(form.Get("display_name"));
  text.set_sms_body(Lines(form.Get("sms_body")));
  text.set_email_subject(form.Get("email_subject"));
  text.set_email_body(Lines(form.Get("email_body")));
  text.set_etag(form.Get("etag"));
  text.set_single_messages(!form.Get("single_messages").empty());
  return text;
}

PageOfBlocks EditPage(const Visit& visit, const v1::Template& text, const std::string& id,
                      const std::vector<std::pair<std::string, std::string>>& errors) {
  const bool fresh = id.empty();
  PageOfBlocks page(visit, fresh ? "New template" : "Edit template",
                    fresh ? "/console/templates" : "/console/templates/" + id);
  FormBlock form;
  form.fields = FieldsOf(text, fresh);
  if (fresh) form.fields[0].value = visit.form.Get("template_id");
  form.submits = {{"Save", "act", "save"}, {"Preview", "act", "preview", true}};
  form.live = "/console/templates/preview";
  form.into = "preview";
  form.errors = errors;
  page.Add(form);
  Model preview = PreviewOf(text, PriceOfPart(visit));
  preview["heading"] = "What people will see";
  page.AddInto("preview", "_template_preview", preview);
  AddCopyAs(
      page.model(),
      fmt::format("pharos template {} {} --text-file message.txt --email-subject 'Subject' --email-body-file "
                  "message.md",
                  fresh ? "create" : "update", fresh ? "quit-1" : id),
      fresh ? "campaign.v1.TemplateService/CreateTemplate" : "campaign.v1.TemplateService/UpdateTemplate",
      fresh
          ? R"j({"templateId": "quit-1", "template": {"smsBody": "Hello ((first name))"}})j"
          : fmt::format(
                R"j({{"template": {{"name": "templates/{}", "smsBody": "Hello ((first name))", "etag": "{}"}}}})j",
                id, text.etag()));
  return page;
}

absl::StatusOr<v1::Template> Get(const Visit& visit) {
  v1::GetTemplateRequest request;
  request.set_name("templates/" + visit.args[0]);
  v1::Template text;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &text));
  return text;
}

absl::StatusOr<Reply> ShowNew(Visit& visit) {
  return EditPage(visit, {}, "", {}).Show();
}

absl::StatusOr<Reply> ShowEdit(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Template text, Get(visit));
  return EditPage(visit, text, visit.args[0], {}).Show();
}

absl::StatusOr<Reply> Answer(Visit& visit, const v1::Template& given, const std::string& id,
                             const absl::Status& status, const std::string& go) {
  if (status.ok()) return Go(go, "The template is saved.");
  if (!IsMendable(status)) return status;
  const bool about_id = absl::IsAlreadyExists(status) && id.empty();
  const std::vector<std::pair<std::string, std::string>> errors = {{about_id                   ? "template_id"
                                                                    : given.sms_body().empty() ? "email_body"
                                                                                               : "sms_body",
                                                                    WordsOf(status)}};
  return EditPage(visit, given, id, errors).ShowWith(errors);
}

absl::StatusOr<Reply> Create(Visit& visit) {
  const v1::Template given = Given(visit.form);
  if (visit.form.Get("act") == "preview") return EditPage(visit, given, "", {}).Show();
  const std::string id = visit.form.Get("template_id");
  if (!base::IsChosenId(id)) {
    const std::vector<std::pair<std::string, std::string>> errors = {
        {"template_id", "Enter a short name of small letters, digits and hyphens, like quit-1"}};
    return EditPage(visit, given, "", errors).ShowWith(errors);
  }
  v1::CreateTemplateRequest request;
  request.set_template_id(id);
  *request.mutable_template_() = given;
  request.set_request_id(visit.form.Get("request_id"));
  v1::Template made;
  return Answer(visit, given, "", visit.Call(request, &made), "/console/templates/" + id);
}

absl::StatusOr<Reply> Update(Visit& visit) {
  const v1::Template given = Given(visit.form);
  if (visit.form.Get("act") == "preview") return EditPage(visit, given, visit.args[0], {}).Show();
  v1::UpdateTemplateRequest request;
  *request.mutable_template_() = given;
  request.mutable_template_()->set_name("templates/" + visit.args[0]);
  request.set_request_id(visit.form.Get("request_id"));
  v1::Template made;
  return Answer(visit, given, visit.args[0], visit.Call(request, &made),
                "/console/templates/" + visit.args[0]);
}

absl::StatusOr<Reply> Preview(Visit& visit) {
  Model preview = PreviewOf(Given(visit.form), PriceOfPart(visit));
  preview["heading"] = "What people will see";
  return ShowPart("_template_preview", std::move(preview));
}

}  // namespace

void AddTemplateEditPages(Routes& routes) {
  routes.Get("/console/templates/new", "templates.write", &ShowNew);
  routes.Post("/console/templates/new", "templates.write", &Create);
  routes.Post("/console/templates/preview", "templates.read", &Preview);
  routes.Get("/console/templates/{}/edit", "templates.write", &ShowEdit);
  routes.Post("/console/templates/{}/edit", "templates.write", &Update);
}

}  // namespace pharos::edge::console
