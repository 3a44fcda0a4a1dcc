// Who may call, with which roles and keys.
#include <fmt/format.h>

#include "pharos/access/v1/principal_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/operation_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = access::v1;

namespace {

constexpr int kShown = 200;
constexpr int64_t kDayS = 86'400;

// Roles that people and systems outside have; "service" and "connector" are for our own processes, by the
// command line.
const std::vector<Choice>& Roles() {
  static const auto* roles = new std::vector<Choice>{
      {"marketing", "Marketing", "Writes and sends campaigns; sees nobody's contact data"},
      {"approver", "Approver", "Approves what others wrote; changes nothing"},
      {"analyst", "Analyst", "Counts people; sees nobody"},
      {"governance", "Governance", "Sees people and acts for them; sends nothing"},
      {"operator", "Operator", "Keeps it running; sees nobody and sends nothing"},
      {"partner", "Partner", "Brings contacts under an agreement"},
      {"sender", "Sender", "A service that sends messages that were approved"}};
  return *roles;
}

std::string RolesInWords(const v1::Principal& principal) {
  return fmt::format("{}", fmt::join(principal.roles(), ", "));
}

std::string PathOf(std::string_view principal, std::string_view rest = "") {
  return fmt::format("/console/access/principals/{}{}{}", IdOf(principal), rest.empty() ? "" : "/", rest);
}

absl::StatusOr<v1::Principal> Load(const Visit& visit) {
  v1::GetPrincipalRequest request;
  request.set_name(fmt::format("principals/{}", visit.args[0]));
  v1::Principal principal;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &principal));
  return principal;
}

absl::StatusOr<Reply> ShowPrincipals(Visit& visit) {
  v1::ListPrincipalsRequest request;
  request.set_page_size(kShown);
  request.set_page_token(visit.query.Get("page"));
  v1::ListPrincipalsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  Section section;
  Table table{"People and systems",
              Heads({"Sign-in name", "Name", "Roles", "#Keys", "Status"}),
              {},
              "There is nobody yet."};
  for (const v1::Principal& each : response.principals())
    table.rows.push_back({Link(IdOf(each.name()), PathOf(each.name())),
                          {each.display_name()},
                          {RolesInWords(each)},
                          Number(each.tokens_size()),
                          each.disabled() ? Tag("Disabled", "red") : Tag("May sign in", "green")});
  section.tables = {table};
  if (visit.May("principals.write")) section.buttons = {{"Add somebody", "/console/access/new"}};
  Model model = PageModel("Access", {section});
  AddAccessTabs(model, visit, "");
  AddNextPage(model, "/console/access", response.next_page_token());
  AddCopyAs(model, "pharos principal list", "access.v1.PrincipalService/ListPrincipals", "{}");
  return Show("sections", std::move(model));
}

Table KeysOf(const v1::Principal& principal, bool may_write) {
  Table table{"Keys in use",
              Heads({"Key", "Issued", "Ends", "Revoke"}),
              {},
              "There is no key. Without one nobody can sign in as this."};
  for (const v1::Token& token : principal.tokens()) {
    Cell revoke = may_write ? Link(fmt::format("Revoke {}", token.id()),
                                   PathOf(principal.name(), "revoke/" + token.id()))
                            : Cell{"Ask an operator"};
    table.rows.push_back(
        {{token.id()},
         {MomentInWords(token.create_time_us())},
         {token.expire_time_us() == 0 ? "When it is revoked" : TimeInWords(token.expire_time_us())},
         revoke});
  }
  return table;
}

absl::StatusOr<Reply> ShowPrincipal(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Principal principal, Load(visit));
  const bool may_write = visit.May("principals.write") && !principal.from_file();
  const std::string change = may_write ? PathOf(principal.name(), "change") : "";
  Section facts, keys;
  facts.facts = {{"Name", {principal.display_name()}, change, "Change"},
                 {"Roles", {RolesInWords(principal)}, change, "Change"},
                 {"Status", principal.disabled() ? Tag("Disabled", "red") : Tag("May sign in", "green"),
                  change, "Change"}};
  if (principal.from_file())
    facts.paragraphs = {"This one comes from the tokens file of the server, and is changed there."};
  keys.tables = {KeysOf(principal, may_write)};
  if (may_write) keys.buttons = {{"Issue a key", PathOf(principal.name(), "issue")}};
  Model model = PageModel(IdOf(principal.name()), {facts, keys}, "/console/access");
  AddCopyAs(
      model,
      fmt::format("pharos principal get {0}\npharos principal issue-token {0} --days 90 --out {0}.token",
                  IdOf(principal.name())),
      "access.v1.PrincipalService/GetPrincipal", fmt::format(R"({{"name": "{}"}})", principal.name()));
  return Show("sections", std::move(model));
}

// ---- Adding and changing
// -------------------------------------------------------------------------------------

FormPage EditPage(const v1::Principal* principal) {
  FormPage page;
  page.title = principal == nullptr ? "Add somebody" : fmt::format("Change {}", IdOf(principal->name()));
  page.back = principal == nullptr ? "/console/access" : PathOf(principal->name());
  Field id{Field::Kind::kText, "id", "Sign-in name",
           "Small letters, digits and hyphens. It cannot be changed."};
  Field name{Field::Kind::kText, "display_name", "Name for people", ""};
  Field roles{Field::Kind::kCheckboxes, "roles", "Roles", "Select all that apply"};
  roles.choices = Roles();
  Field state{Field::Kind::kRadios, "state", "Status", ""};
  state.choices = {{"on", "May sign in", ""},
                   {"off", "Disabled", "Every process refuses them within a second"}};
  id.width = name.width = "govuk-input--width-20";
  if (principal == nullptr) {
    page.fields = {id, name, roles};
    page.button = "Add";
    return page;
  }
  name.value = principal->display_name();
  roles.chosen.assign(principal->roles().begin(), principal->roles().end());
  state.value = principal->disabled() ? "off" : "on";
  page.fields = {name, roles, state};
  page.button = "Save";
  return page;
}

absl::StatusOr<Reply> ShowNew(Visit&) {
  return ShowForm(EditPage(nullptr));
}

absl::StatusOr<Reply> Create(Visit& visit) {
  v1::CreatePrincipalRequest request;
  request.set_principal_id(visit.form.Get("id"));
  request.mutable_principal()->set_display_name(visit.form.Get("display_name"));
  for (const std::string& role : visit.form.All("roles")) request.mutable_principal()->add_roles(role);
  request.set_request_id(visit.form.Get("request_id"));
  std::vector<std::pair<std::string, std::string>> errors;
  if (request.principal_id().empty()) errors.emplace_back("id", "Enter a sign-in name");
  if (request.principal().roles().empty()) errors.emplace_back("roles", "Select at least one role");
  if (!errors.empty()) return ShowFormErrors(Refilled(EditPage(nullptr), visit.form), errors);
  v1::Principal made;
  const absl::Status status = visit.Call(request, &made);
  return Settle(visit, EditPage(nullptr), status, PathOf(made.name()), "Added. Issue a key now.");
}

absl::StatusOr<Reply> ShowChange(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Principal principal, Load(visit));
  return ShowForm(EditPage(&principal));
}

absl::StatusOr<Reply> Change(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(v1::Principal principal, Load(visit));
  const FormPage page = EditPage(&principal);
  if (visit.form.All("roles").empty())
    return ShowFormErrors(Refilled(page, visit.form), {{"roles", "Select at least one role"}});
  v1::UpdatePrincipalRequest request;
  *request.mutable_principal() = principal;
  request.mutable_principal()->set_display_name(visit.form.Get("display_name"));
  request.mutable_principal()->clear_roles();
  for (const std::string& role : visit.form.All("roles")) request.mutable_principal()->add_roles(role);
  // Roles that the page does not offer stay.
  for (const std::string& role : principal.roles())
    if (role == "service" || role == "connector") request.mutable_principal()->add_roles(role);
  request.mutable_principal()->set_disabled(visit.form.Get("state") == "off");
  request.set_request_id(visit.form.Get("request_id"));
  v1::Principal changed;
  return Settle(visit, page, visit.Call(request, &changed), PathOf(principal.name()),
                "Saved. Every process knows it within a second.");
}

// ---- Keys
// ----------------------------------------------------------------------------------------------------

FormPage IssuePage(const std::string& id) {
  FormPage page;
  page.title = fmt::format("Issue a key for {}", id);
  page.back = PathOf(id);
  page.warning = "Whoever has the key can do what the roles allow. It is shown once.";
  Field days{Field::Kind::kRadios, "days", "How long is it valid?", ""};
  days.choices = {{"30", "30 days", ""}, {"90", "90 days", ""}, {"365", "A year", ""}};
  days.value = "90";
  page.fields = {days};
  page.button = "Issue the key";
  return page;
}

absl::StatusOr<Reply> ShowIssue(Visit& visit) {
  return ShowForm(IssuePage(visit.args[0]));
}

absl::StatusOr<Reply> Issue(Visit& visit) {
  const std::string days = visit.form.Get("days");
  if (days != "30" && days != "90" && days != "365")
    return ShowFormErrors(IssuePage(visit.args[0]), {{"days", "Select how long the key is valid"}});
  v1::IssueTokenRequest request;
  request.set_name(fmt::format("principals/{}", visit.args[0]));
  request.set_valid_s(std::atoi(days.c_str()) * kDayS);
  v1::IssueTokenResponse response;
  const absl::Status status = visit.Call(request, &response);
  if (!status.ok()) return Settle(visit, IssuePage(visit.args[0]), status, "", "");
  Section section;
  section.heading = "Key";
  section.paragraphs = {
      "Copy it now: it is not shown again, and only its fingerprint is kept. Hand it over by a safe way."};
  section.code = response.token();
  section.buttons = {{"Done", PathOf(visit.args[0])}};
  return Show("sections", PageModel(fmt::format("The key for {}", visit.args[0]), {section}));
}

FormPage RevokePage(const Visit& visit) {
  FormPage page;
  page.title = fmt::format("Revoke key {}", visit.args[1]);
  page.back = PathOf(visit.args[0]);
  page.warning =
      "Whoever uses it is refused within a second. This cannot be undone; a new key can be issued.";
  page.button = "Revoke the key";
  page.danger = true;
  return page;
}

absl::StatusOr<Reply> ShowRevoke(Visit& visit) {
  return ShowForm(RevokePage(visit));
}

absl::StatusOr<Reply> Revoke(Visit& visit) {
  v1::RevokeTokenRequest request;
  request.set_name(fmt::format("principals/{}", visit.args[0]));
  request.set_token_id(visit.args[1]);
  request.set_request_id(visit.form.Get("request_id"));
  v1::Principal principal;
  return Settle(visit, RevokePage(visit), visit.Call(request, &principal), PathOf(visit.args[0]), "Revoked.");
}

}  // namespace

void AddPrincipalPages(Routes& routes) {
  routes.Get("/console/access", "principals.read", &ShowPrincipals);
  routes.Get("/console/access/new", "principals.write", &ShowNew);
  routes.Post("/console/access/new", "principals.write", &Create);
  routes.Get("/console/access/principals/{}", "principals.read", &ShowPrincipal);
  routes.Get("/console/access/principals/{}/change", "principals.write", &ShowChange);
  routes.Post("/console/access/principals/{}/change", "principals.write", &Change);
  routes.Get("/console/access/principals/{}/issue", "principals.write", &ShowIssue);
  routes.Post("/console/access/principals/{}/issue", "principals.write", &Issue);
  routes.Get("/console/access/principals/{}/revoke/{}", "principals.write", &ShowRevoke);
  routes.Post("/console/access/principals/{}/revoke/{}", "principals.write", &Revoke);
}

}  // namespace pharos::edge::console
