// Agreements: what a partner may bring and learn, and until when.
#include "services/edge/console/partner_pages.h"

#include <fmt/format.h>

#include <chrono>

#include "pharos/access/v1/principal_service.pb.h"
#include "pharos/customer/v1/agreement_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/source_service.pb.h"
#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr int kShown = 100;
constexpr int kOffered = 1'000;  // in lists to choose from: as many as one page of the service
constexpr const char* kAgreed[] = {
    "given_name", "middle_name", "family_name",  "date_of_birth", "sex",      "email",
    "phone",      "house",       "street",       "town",          "postcode", "area",
    "nhs_number", "language",    "organisation", "role",          "interests"};

Cell StatusOf(const v1::Agreement& agreement, int64_t now_us) {
  if (agreement.end_time_us() != 0) return Tag("Ended", "red");
  return agreement.expire_time_us() <= now_us ? Tag("Expired", "grey") : Tag("In force", "green");
}

std::string Words(const google::protobuf::RepeatedPtrField<std::string>& names, bool fields) {
  std::string words;
  for (const std::string& name : names)
    words += fmt::format("{}{}", words.empty() ? "" : ", ", fields ? FieldInWords(name) : IdOf(name));
  return words.empty() ? "Nothing" : words;
}

std::string PathOf(std::string_view agreement, std::string_view rest = "") {
  return fmt::format("/console/partners/agreements/{}{}{}", IdOf(agreement), rest.empty() ? "" : "/", rest);
}

absl::StatusOr<Reply> ShowAgreements(Visit& visit) {
  v1::ListAgreementsRequest request;
  request.set_page_size(kShown);
  request.set_page_token(visit.query.Get("page"));
  v1::ListAgreementsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  Table table{"Agreements",
              Heads({"Agreement", "Sources", "Until", "Status"}),
              {},
              "There is no agreement yet. A partner needs one before it may bring contacts."};
  for (const v1::Agreement& each : response.agreements())
    table.rows.push_back(
        {Link(each.display_name().empty() ? IdOf(each.name()) : each.display_name(), PathOf(each.name())),
         {Words(each.sources(), false)},
         {DayInWords(each.expire_time_us())},
         StatusOf(each, visit.clock.WallMicros())});
  section.tables = {table};
  if (visit.May("agreements.write")) section.buttons = {{"Register an agreement", "/console/partners/new"}};
  Model model = PageModel("Partners", {section});
  AddPartnerTabs(model, visit, "");
  AddNextPage(model, "/console/partners", response.next_page_token());
  AddCopyAs(model, "pharos agreement list", "customer.v1.AgreementService/ListAgreements", "{}");
  return Show("sections", std::move(model));
}

absl::StatusOr<v1::Agreement> Load(const Visit& visit) {
  v1::GetAgreementRequest request;
  request.set_name(fmt::format("agreements/{}", visit.args[0]));
  v1::Agreement agreement;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &agreement));
  return agreement;
}

absl::StatusOr<Reply> ShowAgreement(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Agreement agreement, Load(visit));
  Section section;
  section.facts = {{"Status", StatusOf(agreement, visit.clock.WallMicros()), "", ""},
                   {"Until", {DayInWords(agreement.expire_time_us())}, "", ""},
                   {"Partner's systems", {Words(agreement.principals(), false)}, "", ""},
                   {"Sources that it keeps", {Words(agreement.sources(), false)}, "", ""},
                   {"Purposes that it may speak of", {Words(agreement.purposes(), false)}, "", ""},
                   {"It may bring", {Words(agreement.write_fields(), true)}, "", ""},
                   {"It may learn", {Words(agreement.read_fields(), true)}, "", ""},
                   {"The signed paper", {agreement.reference()}, "", ""},
                   {"Registered", {TimeInWords(agreement.create_time_us())}, "", ""}};
  if (agreement.end_time_us() != 0)
    section.facts.push_back({"Ended early", {TimeInWords(agreement.end_time_us())}, "", ""});
  if (agreement.end_time_us() == 0 && visit.May("agreements.write"))
    section.buttons = {{"End it now", PathOf(agreement.name(), "end"), false, true}};
  Model model =
      PageModel(agreement.display_name().empty() ? IdOf(agreement.name()) : agreement.display_name(),
                {section}, "/console/partners");
  AddCopyAs(model, fmt::format("pharos agreement get {}", IdOf(agreement.name())),
            "customer.v1.AgreementService/GetAgreement",
            fmt::format(R"({{"name": "{}"}})", agreement.name()));
  return Show("sections", std::move(model));
}

// ---- Register ---------------------------------------------------------------------------------------------

absl::StatusOr<FormPage> NewPage(const Visit& visit) {
  v1::ListSourcesRequest sources;
  sources.set_page_size(kOffered);
  v1::ListSourcesResponse known;
  PHAROS_RETURN_IF_ERROR(visit.Call(sources, &known));
  v1::ListPurposesRequest purposes;
  purposes.set_page_size(kOffered);
  v1::ListPurposesResponse meant;
  PHAROS_RETURN_IF_ERROR(visit.Call(purposes, &meant));
  FormPage page;
  page.title = "Register an agreement";
  page.back = "/console/partners";
  Field id{Field::Kind::kText, "id", "Short name",
           "Small letters, digits and hyphens, for example leeds-2026"};
  Field name{Field::Kind::kText, "display_name", "Name for people", ""};
  Field systems{Field::Kind::kText, "principals", "The partner's systems",
                "Sign-in names, with commas between"};
  Field from{Field::Kind::kCheckboxes, "sources", "Sources whose records it keeps", ""};
  for (const v1::Source& source : known.sources())
    from.choices.push_back(
        {source.name(), source.display_name().empty() ? IdOf(source.name()) : source.display_name(), ""});
  Field speak{Field::Kind::kCheckboxes, "purposes",
              "Purposes whose consent it may bring and whose opt-outs it learns", ""};
  for (const v1::Purpose& purpose : meant.purposes())
    if (purpose.retire_time_us() == 0)
      speak.choices.push_back({purpose.name(),
                               purpose.display_name().empty() ? IdOf(purpose.name()) : purpose.display_name(),
                               ""});
  Field bring{Field::Kind::kCheckboxes, "write_fields", "What it may bring", ""},
      learn{Field::Kind::kCheckboxes, "read_fields", "What it may learn",
            "Of people whom it has a record of, and of nobody else"};
  for (const char* field : kAgreed) {
    bring.choices.push_back({field, FieldInWords(field), ""});
    learn.choices.push_back({field, FieldInWords(field), ""});
  }
  Field until{Field::Kind::kDate, "until", "Until",
              "An agreement without an end is not one. For example, 31 12 2026"};
  Field paper{Field::Kind::kText, "reference", "Where the signed paper is", ""};
  page.fields = {id, name, systems, from, speak, bring, learn, until, paper};
  page.button = "Register it";
  return page;
}

absl::StatusOr<Reply> ShowNew(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const FormPage page, NewPage(visit));
  Model model = ModelOf(page);
  AddCopyAs(model,
            "pharos agreement create leeds-2026 --principal leeds-crm --source leeds --may-speak-of "
            "stop-smoking --may-bring email,phone --until 2026-12-31",
            "customer.v1.AgreementService/CreateAgreement",
            R"({"agreementId": "leeds-2026", "agreement": {}})");
  return Show("form", std::move(model));
}

int64_t MidnightOf(const std::string& date) {
  const std::chrono::year_month_day day{
      std::chrono::year{std::atoi(date.substr(0, 4).c_str())},
      std::chrono::month{static_cast<unsigned>(std::atoi(date.substr(5, 2).c_str()))},
      std::chrono::day{static_cast<unsigned>(std::atoi(date.substr(8, 2).c_str()))}};
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::sys_days(day).time_since_epoch())
      .count();
}

absl::StatusOr<Reply> Create(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const FormPage page, NewPage(visit));
  v1::CreateAgreementRequest request;
  request.set_agreement_id(visit.form.Get("id"));
  v1::Agreement& agreement = *request.mutable_agreement();
  agreement.set_display_name(visit.form.Get("display_name"));
  agreement.set_reference(visit.form.Get("reference"));
  for (const std::string& word : base::Split(visit.form.Get("principals"), ','))
    if (!base::TrimAscii(word).empty())
      agreement.add_principals(fmt::format("principals/{}", IdOf(base::TrimAscii(word))));
  for (const std::string& each : visit.form.All("sources")) agreement.add_sources(each);
  for (const std::string& each : visit.form.All("purposes")) agreement.add_purposes(each);
  for (const std::string& each : visit.form.All("write_fields")) agreement.add_write_fields(each);
  for (const std::string& each : visit.form.All("read_fields")) agreement.add_read_fields(each);
  request.set_request_id(visit.form.Get("request_id"));
  const std::string until = DateOf(visit.form, "until");
  std::vector<std::pair<std::string, std::string>> errors;
  if (request.agreement_id().empty()) errors.emplace_back("id", "Enter a short name");
  if (agreement.principals().empty())
    errors.emplace_back("principals", "Enter the sign-in name of at least one system");
  if (agreement.sources().empty()) errors.emplace_back("sources", "Select at least one source");
  if (until.size() != 10) errors.emplace_back("until", "Enter when it ends, like 31 12 2026");
  if (!errors.empty()) return ShowFormErrors(Refilled(page, visit.form), errors);
  agreement.set_expire_time_us(MidnightOf(until));
  v1::Agreement made;
  const absl::Status status = visit.Call(request, &made);
  return Settle(visit, page, status, PathOf(made.name()), "Registered.");
}

// ---- End
// ----------------------------------------------------------------------------------------------------

FormPage EndPage(const v1::Agreement& agreement) {
  FormPage page;
  page.title = fmt::format(
      "End {}", agreement.display_name().empty() ? IdOf(agreement.name()) : agreement.display_name());
  page.back = PathOf(agreement.name());
  page.warning =
      "From now on the partner may bring and learn nothing under it; what runs ends at once. This cannot be "
      "undone: register another.";
  page.button = "End the agreement";
  page.danger = true;
  return page;
}

absl::StatusOr<Reply> ShowEnd(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Agreement agreement, Load(visit));
  return ShowForm(EndPage(agreement));
}

absl::StatusOr<Reply> End(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Agreement agreement, Load(visit));
  v1::EndAgreementRequest request;
  request.set_name(agreement.name());
  request.set_request_id(visit.form.Get("request_id"));
  v1::Agreement ended;
  return Settle(visit, EndPage(agreement), visit.Call(request, &ended), PathOf(agreement.name()), "Ended.");
}

}  // namespace

void AddPartnerTabs(Model& model, const Visit& visit, std::string_view here) {
  model["has_tabs"] = true;
  model["tabs_label"] = "Partners";
  model["tabs"] = Model::array();
  const auto add = [&](const char* permission, std::string_view rest, const char* words) {
    const std::string path = rest.empty() ? "/console/partners" : fmt::format("/console/partners/{}", rest);
    if (visit.May(permission))
      model["tabs"].push_back({{"path", path}, {"words", words}, {"here", here == rest}});
  };
  add("agreements.read", "", "Agreements");
  add("sources.read", "sources", "Sources");
  add("records.import", "import", "Bring in a contact file");
}

void AddAgreementPages(Routes& routes) {
  routes.Get("/console/partners", "agreements.read", &ShowAgreements);
  routes.Get("/console/partners/new", "agreements.write", &ShowNew);
  routes.Post("/console/partners/new", "agreements.write", &Create);
  routes.Get("/console/partners/agreements/{}", "agreements.read", &ShowAgreement);
  routes.Get("/console/partners/agreements/{}/end", "agreements.write", &ShowEnd);
  routes.Post("/console/partners/agreements/{}/end", "agreements.write", &End);
}

void AddPartnerPages(Routes& routes) {
  AddAgreementPages(routes);
  AddSourcePages(routes);
  AddImportPages(routes);
}

}  // namespace pharos::edge::console
