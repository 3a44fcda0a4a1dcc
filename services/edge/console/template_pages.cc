// Templates: the list, and one as people will see it.
#include "services/edge/console/template_pages.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/marketing_page.h"
#include "services/edge/console/try_out_pages.h"

namespace pharos::edge::console {
namespace {

namespace v1 = campaign::v1;

constexpr int kShown = 100;

std::string NameOf(const v1::Template& text) {
  return text.display_name().empty() ? base::Segment(text.name(), "templates") : text.display_name();
}

std::string KindOf(const v1::Template& text) {
  if (text.sms_body().empty()) return "Email";
  return text.email_body().empty() ? "Text message" : "Text message and email";
}

absl::StatusOr<Reply> ShowTemplates(Visit& visit) {
  v1::ListTemplatesRequest request;
  request.set_page_size(kShown);
  request.set_page_token(visit.query.Get("page"));
  v1::ListTemplatesResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  if (visit.May("templates.write")) section.buttons = {{"New template", "/console/templates/new"}};
  Table table{"All templates",
              Heads({"Template", "Kind", "Used for", "#Version", "Changed"}),
              {},
              "There are no templates yet."};
  for (const v1::Template& text : response.templates()) {
    table.rows.push_back({Link(NameOf(text), "/console/templates/" + base::Segment(text.name(), "templates")),
                          {KindOf(text)},
                          {text.single_messages() ? "Single messages" : "Campaigns"},
                          Number(static_cast<int64_t>(text.version())),
                          {DayInWords(text.create_time_us())}});
  }
  section.tables = {table};
  PageOfBlocks page(visit, "Templates");
  page.Add(section);
  AddNextPage(page.model(), "/console/templates", response.next_page_token());
  AddCopyAs(page.model(), "pharos template show quit-1", "campaign.v1.TemplateService/ListTemplates", "{}");
  return page.Show();
}

absl::StatusOr<Reply> ShowTemplate(Visit& visit) {
  v1::GetTemplateRequest request;
  request.set_name("templates/" + visit.args[0]);
  v1::Template text;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &text));
  PageOfBlocks page(visit, NameOf(text), "/console/templates");
  Section facts;
  std::string fields;
  for (const std::string& field : text.placeholders())
    fields += (fields.empty() ? "((" : ", ((") + field + "))";
  facts.facts = {
      {"Kind", {KindOf(text)}, "", ""},
      {"Version", {fmt::format("{}, of {}", text.version(), DayInWords(text.create_time_us()))}, "", ""},
      {"What is put in", {fields.empty() ? "Nothing: everybody gets the same" : fields}, "", ""}};
  if (visit.May("templates.write"))
    facts.buttons = {{"Edit this template", fmt::format("/console/templates/{}/edit", visit.args[0])}};
  page.Add(facts);
  Model preview = PreviewOf(text, PriceOfPart(visit));
  preview["heading"] = "What people will see";
  page.Add("_template_preview", preview);
  page.Add(TryOutSection(visit, text.name(), text.version()));
  AddCopyAs(page.model(), fmt::format("pharos template preview {} --value given_name=Sam", visit.args[0]),
            "campaign.v1.TemplateService/PreviewTemplate",
            fmt::format(R"({{"name": "{}", "values": {{"given_name": "Sam"}}}})", text.name()));
  return page.Show();
}

}  // namespace

void AddTemplatePages(Routes& routes) {
  AddTemplateEditPages(routes);
  routes.Get("/console/templates", "templates.read", &ShowTemplates);
  routes.Get("/console/templates/{}", "templates.read", &ShowTemplate);
}

}  // namespace pharos::edge::console
