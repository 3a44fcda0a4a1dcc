// Sources: systems that tell us about people.
#include <fmt/format.h>

#include "pharos/customer/v1/source_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/partner_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr int kShown = 200;

std::string PathOf(std::string_view source) {
  return fmt::format("/console/partners/sources/{}", IdOf(source));
}

absl::StatusOr<Reply> ShowSources(Visit& visit) {
  v1::ListSourcesRequest request;
  request.set_page_size(kShown);
  request.set_page_token(visit.query.Get("page"));
  v1::ListSourcesResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  Table table{"Sources", Heads({"Source", "Its people", "Owner", "#Trust"}), {}, "There is no source yet."};
  for (const v1::Source& each : response.sources())
    table.rows.push_back(
        {Link(each.display_name().empty() ? IdOf(each.name()) : each.display_name(), PathOf(each.name())),
         {KindInWords(each.audience_kind())},
         {each.owner()},
         Number(each.trust())});
  section.tables = {table};
  if (visit.May("sources.write")) section.buttons = {{"Register a source", "/console/partners/sources/new"}};
  Model model = PageModel("Sources", {section});
  AddPartnerTabs(model, visit, "sources");
  AddNextPage(model, "/console/partners/sources", response.next_page_token());
  AddCopyAs(model, "pharos source list", "customer.v1.SourceService/ListSources", "{}");
  return Show("sections", std::move(model));
}

absl::StatusOr<Reply> ShowSource(Visit& visit) {
  v1::GetSourceRequest request;
  request.set_name(fmt::format("sources/{}", visit.args[0]));
  v1::Source source;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &source));
  Section section;
  section.facts = {{"Short name", {IdOf(source.name())}, "", ""},
                   {"Its people", {KindInWords(source.audience_kind())}, "", ""},
                   {"Owner", {source.owner()}, "", ""},
                   {"Trust", {fmt::format("{} of 100", source.trust())}, "", ""},
                   {"Registered", {MomentInWords(source.create_time_us())}, "", ""}};
  for (const auto& [field, trust] : source.field_trust())
    section.facts.push_back(
        {fmt::format("Trust for {}", FieldInWords(field)), {fmt::format("{} of 100", trust)}, "", ""});
  for (const std::string& field : source.verified_fields())
    section.facts.push_back({"Verifies", {FieldInWords(field)}, "", ""});
  Model model = PageModel(source.display_name().empty() ? IdOf(source.name()) : source.display_name(),
                          {section}, "/console/partners/sources");
  AddCopyAs(model, fmt::format("pharos source get {}", IdOf(source.name())),
            "customer.v1.SourceService/GetSource", fmt::format(R"({{"name": "{}"}})", source.name()));
  return Show("sections", std::move(model));
}

FormPage NewPage() {
  FormPage page;
  page.title = "Register a source";
  page.back = "/console/partners/sources";
  Field id{Field::Kind::kText, "id", "Short name",
           "Small letters, digits and hyphens. It cannot be changed."};
  Field kind{Field::Kind::kRadios, "kind", "Its people are", ""};
  for (const auto each :
       {type::v1::AUDIENCE_KIND_PUBLIC, type::v1::AUDIENCE_KIND_PARTNER, type::v1::AUDIENCE_KIND_INTERNAL})
    kind.choices.push_back({type::v1::AudienceKind_Name(each), KindInWords(each), ""});
  Field trust{Field::Kind::kText, "trust", "Trust",
              "From 0 to 100. Where sources differ, the value of the higher one is used."};
  trust.value = "50";
  trust.width = "govuk-input--width-3";
  page.fields = {id,
                 {Field::Kind::kText, "display_name", "Name for people", ""},
                 kind,
                 {Field::Kind::kText, "owner", "Who answers for the data", ""},
                 trust};
  page.button = "Register it";
  return page;
}

absl::StatusOr<Reply> ShowNew(Visit&) {
  Model model = ModelOf(NewPage());
  AddCopyAs(model, "pharos source create quit --kind public --owner \"Stop-smoking service\"",
            "customer.v1.SourceService/CreateSource",
            R"({"sourceId": "quit", "source": {"audienceKind": "AUDIENCE_KIND_PUBLIC", "trust": 50}})");
  return Show("form", std::move(model));
}

absl::StatusOr<Reply> Create(Visit& visit) {
  v1::CreateSourceRequest request;
  request.set_source_id(visit.form.Get("id"));
  v1::Source& source = *request.mutable_source();
  source.set_display_name(visit.form.Get("display_name"));
  source.set_owner(visit.form.Get("owner"));
  const std::string trust = visit.form.Get("trust");
  std::vector<std::pair<std::string, std::string>> errors;
  type::v1::AudienceKind kind;
  if (request.source_id().empty()) errors.emplace_back("id", "Enter a short name");
  if (type::v1::AudienceKind_Parse(visit.form.Get("kind"), &kind)) {
    source.set_audience_kind(kind);
  } else {
    errors.emplace_back("kind", "Select who its people are");
  }
  const bool number =
      !trust.empty() && trust.size() <= 3 && trust.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::atoi(trust.c_str()) > 100)
    errors.emplace_back("trust", "Trust must be a number from 0 to 100");
  if (!errors.empty()) return ShowFormErrors(Refilled(NewPage(), visit.form), errors);
  source.set_trust(std::atoi(trust.c_str()));
  request.set_request_id(visit.form.Get("request_id"));
  v1::Source made;
  const absl::Status status = visit.Call(request, &made);
  return Settle(visit, NewPage(), status, PathOf(made.name()), "Registered.");
}

}  // namespace

void AddSourcePages(Routes& routes) {
  routes.Get("/console/partners/sources", "sources.read", &ShowSources);
  routes.Get("/console/partners/sources/new", "sources.write", &ShowNew);
  routes.Post("/console/partners/sources/new", "sources.write", &Create);
  routes.Get("/console/partners/sources/{}", "sources.read", &ShowSource);
}

}  // namespace pharos::edge::console
