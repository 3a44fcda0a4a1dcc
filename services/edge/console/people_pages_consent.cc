// What one person agreed to and took back; stopping; facts about them.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "pharos/customer/v1/purpose_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/people_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

const std::vector<Choice>& Ways() {
  static const auto* ways = new std::vector<Choice>{{"phone call", "By telephone", ""},
                                                    {"letter", "By letter", ""},
                                                    {"email", "By email", ""},
                                                    {"in person", "In person", ""}};
  return *ways;
}

absl::StatusOr<std::vector<v1::ConsentEntry>> Entries(const Visit& visit, const std::string& person) {
  v1::ListConsentEntriesRequest request;
  request.set_person(person);
  v1::ListConsentEntriesResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  return std::vector<v1::ConsentEntry>(response.entries().begin(), response.entries().end());
}

absl::StatusOr<std::vector<v1::Purpose>> Purposes(const Visit& visit) {
  v1::ListPurposesRequest request;
  request.set_page_size(1'000);
  v1::ListPurposesResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  std::vector<v1::Purpose> purposes;
  for (const v1::Purpose& purpose : response.purposes())
    if (purpose.retire_time_us() == 0) purposes.push_back(purpose);
  return purposes;
}

std::string NameOf(const v1::Purpose& purpose) {
  return purpose.display_name().empty() ? IdOf(purpose.name()) : purpose.display_name();
}

// The gate's own word, for each purpose and channel: what is in force cannot be told by reading entries
// alone.
absl::StatusOr<Table> InForce(const Visit& visit, const v1::Person& person) {
  Table table{
      "May a message go now?", Heads({"For", "Text message", "Email"}), {}, "No purpose is registered."};
  PHAROS_ASSIGN_OR_RETURN(const auto purposes, Purposes(visit));
  for (const v1::Purpose& purpose : purposes) {
    Row row = {{NameOf(purpose)}};
    for (const auto channel : {type::v1::CHANNEL_SMS, type::v1::CHANNEL_EMAIL}) {
      v1::JudgePersonRequest request;
      request.set_person(person.name());
      request.set_purpose(purpose.name());
      request.add_channels(channel);
      v1::Judgement judgement;
      PHAROS_RETURN_IF_ERROR(visit.Call(request, &judgement));
      row.push_back({VerdictInWords(judgement.reason())});
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Row RowOf(const v1::ConsentEntry& entry) {
  Cell what{EntryInWords(entry)};
  if (!entry.wording().empty()) {
    what.more = "Wording shown";
    what.lines = {entry.wording()};
  }
  return {what,
          {MomentInWords(entry.event_time_us())},
          {entry.how()},
          {RecordInWords(entry.record())},
          {IdOf(entry.principal())},
          {MomentInWords(entry.create_time_us())}};
}

absl::StatusOr<Reply> ShowConsent(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  PHAROS_ASSIGN_OR_RETURN(auto entries, Entries(visit, person.name()));
  std::reverse(entries.begin(), entries.end());
  Section now, ledger;
  PHAROS_ASSIGN_OR_RETURN(Table in_force, InForce(visit, person));
  now.tables = {std::move(in_force)};
  if (visit.May("consents.write") && !person.erased())
    now.buttons = {{"Record that they said stop", PersonPath(person.name(), "stop"), false, true},
                   {"Record that they agreed", PersonPath(person.name(), "grant"), true}};
  ledger.after = {"Newest first. Nothing here is ever changed or removed; a later word is added."};
  Table table{"All that was said",
              Heads({"What", "Said", "How", "By way of", "Recorded by", "Recorded"}),
              {},
              "Nothing has been said yet."};
  for (const v1::ConsentEntry& entry : entries) table.rows.push_back(RowOf(entry));
  ledger.tables = {table};
  Model model = PersonModel(person, "consent", {now, ledger});
  AddCopyAs(model, fmt::format("pharos consent list --person {}", IdOf(person.name())),
            "customer.v1.ConsentService/ListConsentEntries",
            fmt::format(R"({{"person": "{}"}})", person.name()));
  return Show("sections", std::move(model));
}

// ---- Stop ------------------------------------------------------------------------------------------------

absl::StatusOr<FormPage> StopPage(Visit& visit, const v1::Person& person) {
  PHAROS_ASSIGN_OR_RETURN(const auto purposes, Purposes(visit));
  FormPage page;
  page.title = fmt::format("What did {} say stop to?", NameOfPerson(person));
  page.back = PersonPath(person.name(), "consent");
  page.paragraphs = {
      "When this page answers, nothing that it covers can leave any more: at most 2 seconds later."};
  Field what{Field::Kind::kRadios, "what", "Stop", ""};
  what.choices = {
      {"everything", "Everything", "All purposes, numbers and addresses, even urgent warnings about health"}};
  for (const v1::Purpose& purpose : purposes)
    what.choices.push_back({purpose.name(), NameOf(purpose), "On all their numbers and addresses"});
  for (const v1::Endpoint& endpoint : person.endpoints()) {
    if (endpoint.channel() == type::v1::CHANNEL_UNSPECIFIED) continue;
    const std::string shown = endpoint.address().empty() ? IdOf(endpoint.name()).substr(0, 8)
                                                         : ValueInWords("phone", endpoint.address());
    what.choices.push_back(
        {endpoint.name(), fmt::format("Everything to {}", shown), "As if they had answered STOP from it"});
  }
  Field kind{Field::Kind::kCheckboxes, "objection", "", ""};
  kind.label = "Did they object?";
  kind.choices = {{"yes", "They object to it (UK GDPR Article 21)", ""}};
  Field how{Field::Kind::kRadios, "how", "How did they tell us?", ""};
  how.choices = Ways();
  page.fields = {what, kind, how};
  page.button = "Stop";
  page.danger = true;
  return page;
}

absl::StatusOr<Reply> ShowStop(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  PHAROS_ASSIGN_OR_RETURN(const FormPage page, StopPage(visit, person));
  Model model = ModelOf(page);
  AddCopyAs(
      model,
      fmt::format("pharos consent withdraw --person {} --everything --how letter", IdOf(person.name())),
      "customer.v1.ConsentService/WithdrawConsent",
      fmt::format(R"({{"person": "{}", "scope": "SCOPE_EVERYTHING", "how": "letter"}})", person.name()));
  return Show("form", std::move(model));
}

absl::StatusOr<Reply> Stop(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  PHAROS_ASSIGN_OR_RETURN(const FormPage page, StopPage(visit, person));
  const std::string what = visit.form.Get("what"), how = visit.form.Get("how");
  std::vector<std::pair<std::string, std::string>> errors;
  if (what.empty()) errors.emplace_back("what", "Select what they said stop to");
  if (how.empty()) errors.emplace_back("how", "Select how they told us");
  if (!errors.empty()) return ShowFormErrors(Refilled(page, visit.form), errors);
  v1::WithdrawConsentRequest request;
  request.set_person(person.name());
  request.set_how(how);
  request.set_objection(!visit.form.Get("objection").empty());
  request.set_request_id(visit.form.Get("request_id"));
  request.set_scope(type::v1::SCOPE_EVERYTHING);
  if (what.starts_with("purposes/")) {
    request.set_scope(type::v1::SCOPE_PURPOSE);
    request.set_purpose(what);
  } else if (what.starts_with("endpoints/")) {
    request.set_scope(type::v1::SCOPE_ENDPOINT);
    request.set_endpoint(what);
  }
  v1::ConsentEntry entry;
  const absl::Status status = visit.Call(request, &entry);
  return Settle(
      visit, page, status, PersonPath(person.name(), "consent"),
      fmt::format("Stopped, receipt {}. Nothing that it covers can leave any more.", IdOf(entry.opt_out())));
}

// ---- Agree -----------------------------------------------------------------------------------------------

absl::StatusOr<FormPage> GrantPage(Visit& visit, const v1::Person& person) {
  PHAROS_ASSIGN_OR_RETURN(const auto purposes, Purposes(visit));
  FormPage page;
  page.title = fmt::format("What did {} agree to?", NameOfPerson(person));
  page.back = PersonPath(person.name(), "consent");
  Field what{Field::Kind::kSelect, "to_purpose", "Purpose", ""};
  for (const v1::Purpose& purpose : purposes) what.choices.push_back({purpose.name(), NameOf(purpose), ""});
  Field channel{Field::Kind::kRadios, "channel", "By", ""};
  channel.choices = {{"CHANNEL_SMS", "Text message", ""}, {"CHANNEL_EMAIL", "Email", ""}};
  Field how{Field::Kind::kRadios, "how", "How did they tell us?", ""};
  how.choices = Ways();
  page.fields = {
      what,
      channel,
      how,
      {Field::Kind::kArea, "wording", "The words that they were shown or read", "Or the version of them"}};
  page.button = "Record that they agreed";
  return page;
}

absl::StatusOr<Reply> ShowGrant(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  PHAROS_ASSIGN_OR_RETURN(const FormPage page, GrantPage(visit, person));
  return ShowForm(page);
}

absl::StatusOr<Reply> Grant(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  PHAROS_ASSIGN_OR_RETURN(const FormPage page, GrantPage(visit, person));
  std::vector<std::pair<std::string, std::string>> errors;
  v1::GrantConsentRequest request;
  type::v1::Channel channel;
  if (!type::v1::Channel_Parse(visit.form.Get("channel"), &channel)) {
    errors.emplace_back("channel", "Select text message or email");
  } else {
    request.set_channel(channel);
  }
  if (visit.form.Get("how").empty()) errors.emplace_back("how", "Select how they told us");
  if (visit.form.Get("wording").empty())
    errors.emplace_back("wording", "Enter the words that they were shown or read");
  if (!errors.empty()) return ShowFormErrors(Refilled(page, visit.form), errors);
  request.set_person(person.name());
  request.set_purpose(visit.form.Get("to_purpose"));
  request.set_how(visit.form.Get("how"));
  request.set_wording(visit.form.Get("wording"));
  request.set_request_id(visit.form.Get("request_id"));
  v1::ConsentEntry entry;
  return Settle(visit, page, visit.Call(request, &entry), PersonPath(person.name(), "consent"),
                "Recorded that they agreed.");
}

// ---- Facts -----------------------------------------------------------------------------------------------

FormPage FactsPage(const v1::Person& person) {
  FormPage page;
  page.title = fmt::format("What has happened to {}?", NameOfPerson(person));
  page.back = PersonPath(person.name());
  Field fact{Field::Kind::kRadios, "fact", "Record that", ""};
  fact.choices = {person.deceased()
                      ? Choice{"-FACT_DECEASED", "It was wrong: they live", ""}
                      : Choice{"FACT_DECEASED", "They have died", "Nothing is sent to them any more"},
                  person.paused() ? Choice{"-FACT_PAUSED", "The pause is over", ""}
                                  : Choice{"FACT_PAUSED", "They are not to be disturbed for now",
                                           "Only urgent warnings about health are sent"},
                  person.sensitive() ? Choice{"-FACT_SENSITIVE", "They are no longer restricted", ""}
                                     : Choice{"FACT_SENSITIVE", "Their addresses are restricted",
                                              "Only governance sees them; no partner's feed carries them"}};
  Field how{Field::Kind::kText, "how", "Who says so?",
            "For example, letter from the family. Do not write names."};
  page.fields = {fact, how};
  page.button = "Record";
  return page;
}

absl::StatusOr<Reply> ShowFacts(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  Model model = ModelOf(FactsPage(person));
  AddCopyAs(model, fmt::format("pharos person pause {} --how \"phone call\"", IdOf(person.name())),
            "customer.v1.ConsentService/SetPersonFact",
            fmt::format(R"({{"person": "{}", "fact": "FACT_PAUSED", "holds": true, "how": "phone call"}})",
                        person.name()));
  return Show("form", std::move(model));
}

absl::StatusOr<Reply> SetFact(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  std::string word = visit.form.Get("fact");
  const bool ends = word.starts_with("-");
  if (ends) word.erase(0, 1);
  v1::SetPersonFactRequest request;
  v1::SetPersonFactRequest::Fact fact;
  std::vector<std::pair<std::string, std::string>> errors;
  if (!v1::SetPersonFactRequest::Fact_Parse(word, &fact)) {
    errors.emplace_back("fact", "Select what has happened");
  } else {
    request.set_fact(fact);
  }
  if (visit.form.Get("how").empty()) errors.emplace_back("how", "Enter who says so");
  if (!errors.empty()) return ShowFormErrors(Refilled(FactsPage(person), visit.form), errors);
  request.set_person(person.name());
  request.set_holds(!ends);
  request.set_how(visit.form.Get("how"));
  request.set_request_id(visit.form.Get("request_id"));
  v1::SetPersonFactResponse response;
  return Settle(visit, FactsPage(person), visit.Call(request, &response), PersonPath(person.name()),
                "Recorded.");
}

}  // namespace

void AddPersonConsentPages(Routes& routes) {
  routes.Get("/console/people/{}/consent", "consents.read", &ShowConsent);
  routes.Get("/console/people/{}/stop", "consents.write", &ShowStop);
  routes.Post("/console/people/{}/stop", "consents.write", &Stop);
  routes.Get("/console/people/{}/grant", "consents.write", &ShowGrant);
  routes.Post("/console/people/{}/grant", "consents.write", &Grant);
  routes.Get("/console/people/{}/facts", "facts.write", &ShowFacts);
  routes.Post("/console/people/{}/facts", "facts.write", &SetFact);
}

}  // namespace pharos::edge::console
