// People: say for what one looks, search, choose.
#include "services/edge/console/people_pages.h"

#include <fmt/format.h>

#include "pharos/customer/v1/identity_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/areas.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr int kMostCandidates = 10;  // of a search by name: who is not among them is to be searched otherwise

// Work on people's data that is not the sending of messages.
const std::vector<Choice>& Works() {
  static const auto* works =
      new std::vector<Choice>{{"purposes/access-requests", "Somebody asked about their own data", ""},
                              {"purposes/data-quality", "Putting records right", ""},
                              {"purposes/complaints", "A complaint or an incident", ""}};
  return *works;
}

FormPage PurposePage(Visit& visit, const std::string& next) {
  FormPage page;
  page.title = "Why are you looking people up?";
  page.paragraphs = {
      "What you say is kept with each person that you look at, for all to see who answer for the data. It "
      "stands until "
      "you change it or sign out."};
  page.fields = {PurposeField(visit)};
  Field back{Field::Kind::kHidden, "next"};
  back.value = next;
  page.fields.push_back(back);
  page.action = "/console/people/purpose";
  return page;
}

absl::StatusOr<Reply> ShowPurpose(Visit& visit) {
  return ShowForm(PurposePage(visit, "/console/people"));
}

absl::StatusOr<Reply> SetPurpose(Visit& visit) {
  const std::string purpose = visit.form.Get("purpose"), next = visit.form.Get("next");
  if (!base::IsChosenId(base::Segment(purpose, "purposes")))
    return ShowFormErrors(Refilled(PurposePage(visit, next), visit.form),
                          {{"purpose", "Select why you are looking people up"}});
  visit.SetPurpose(purpose);
  return Go(next.starts_with("/console/") ? next : "/console/people");
}

std::string PurposeWords(const std::string& purpose) {
  for (const Choice& work : Works())
    if (work.value == purpose) return work.words;
  return IdOf(purpose);
}

FormPage SearchPage(const Visit& visit) {
  FormPage page;
  page.title = "Find a person";
  page.facts = {{"You are looking because",
                 {PurposeWords(visit.session->purpose)},
                 "/console/people/purpose",
                 "Change"}};
  page.fields = {{Field::Kind::kText, "by", "Phone number, email address, NHS number or source record",
                  "For example, 07700 900123, ann@example.org, 943 476 5919 or quit/q-17"},
                 {Field::Kind::kText, "given_name", "Or by name: first name", ""},
                 {Field::Kind::kText, "family_name", "Last name", ""},
                 {Field::Kind::kDate, "date_of_birth", "Date of birth", "For example, 27 3 1980"}};
  page.fields[1].width = page.fields[2].width = "govuk-input--width-20";
  page.button = "Search";
  return page;
}

Row RowOf(const v1::Person& person) {
  std::string kinds;
  for (const int kind : person.audience_kinds()) {
    kinds += kinds.empty() ? "" : ", ";
    kinds += KindInWords(static_cast<type::v1::AudienceKind>(kind));
  }
  return {Link(person.erased() ? "Erased" : NameOfPerson(person), PersonPath(person.name())),
          {ValueInWords("date_of_birth", ValueOf(person, "date_of_birth"))},
          {ValueOf(person, "postcode")},
          {kinds},
          Number(person.records_size())};
}

absl::StatusOr<std::vector<v1::Person>> LookUp(const Visit& visit, const std::string& by) {
  v1::LookupPeopleRequest request;
  request.set_view(v1::PERSON_VIEW_FULL);
  switch (KindOfSearch(by)) {
    case SearchKind::kEmail:
      request.set_email(by);
      break;
    case SearchKind::kNhsNumber:
      request.set_nhs_number(by);
      break;
    case SearchKind::kRecord:
      request.set_record(RecordName(by));
      break;
    default:
      request.set_phone(by);
  }
  v1::LookupPeopleResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  return std::vector<v1::Person>(response.people().begin(), response.people().end());
}

absl::StatusOr<std::vector<v1::Person>> Match(const Visit& visit, const std::string& born) {
  v1::MatchContactRequest request;
  request.set_most(kMostCandidates);
  for (const char* field : {"given_name", "family_name"})
    if (!visit.form.Get(field).empty()) (*request.mutable_fields())[field] = visit.form.Get(field);
  if (!born.empty()) (*request.mutable_fields())["date_of_birth"] = born;
  v1::MatchContactResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  std::vector<v1::Person> people;
  for (const auto& candidate : response.candidates()) {
    v1::GetPersonRequest ask;
    ask.set_name(candidate.person());
    ask.set_view(v1::PERSON_VIEW_FULL);
    v1::Person person;
    PHAROS_RETURN_IF_ERROR(visit.Call(ask, &person));
    people.push_back(std::move(person));
  }
  return people;
}

Reply ShowFound(const std::vector<v1::Person>& people) {
  Section found;
  Table table{people.size() == 1 ? "1 person" : fmt::format("{} people", people.size()),
              Heads({"Name", "Date of birth", "Postcode", "Known as", "#Records"}),
              {},
              "Nobody was found. Check what you typed, or search by something else."};
  for (const v1::Person& person : people) table.rows.push_back(RowOf(person));
  found.tables = {table};
  found.buttons = {{"Search again", "/console/people", true}};
  Model model = PageModel("Who was found", {found}, "/console/people");
  AddCopyAs(model, "pharos person show --phone \"07700 900123\"", "customer.v1.PersonService/LookupPeople",
            R"({"phone": "07700 900123", "view": "PERSON_VIEW_FULL"})");
  return Show("sections", std::move(model));
}

absl::StatusOr<Reply> ShowSearch(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  Model model = ModelOf(SearchPage(visit));
  AddCopyAs(model,
            "pharos person show --phone \"07700 900123\"\npharos identity match given_name=Ann "
            "family_name=Lee date_of_birth=1980-03-27",
            "customer.v1.PersonService/LookupPeople",
            R"({"phone": "07700 900123", "view": "PERSON_VIEW_FULL"})");
  return Show("form", std::move(model));
}

absl::StatusOr<Reply> Search(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  const std::string by = visit.form.Get("by"), born = DateOf(visit.form, "date_of_birth");
  const FormPage page = Refilled(SearchPage(visit), visit.form);
  if (born == "?")
    return ShowFormErrors(page, {{"date_of_birth", "Date of birth must be a real date, like 27 3 1980"}});
  const bool named = !visit.form.Get("given_name").empty() || !visit.form.Get("family_name").empty();
  if (by.empty() && !named)
    return ShowFormErrors(page, {{"by", "Enter a number, an address or a record, or a name"}});
  auto people = by.empty() ? Match(visit, born) : LookUp(visit, by);
  if (absl::IsInvalidArgument(people.status()))
    return ShowFormErrors(page, {{by.empty() ? "given_name" : "by", WordsOf(people.status())}});
  if (!people.ok()) return people.status();
  return ShowFound(*people);
}

}  // namespace

Field PurposeField(Visit& visit) {
  Field field{Field::Kind::kSelect, "purpose", "You are looking because of", ""};
  field.choices = Works();
  field.value = visit.session->purpose;
  v1::ListPurposesRequest request;
  request.set_page_size(1'000);
  v1::ListPurposesResponse response;
  if (!visit.May("purposes.read") || !visit.Call(request, &response).ok()) return field;
  for (const v1::Purpose& purpose : response.purposes()) {
    if (purpose.retire_time_us() != 0) continue;
    const std::string name = purpose.display_name().empty() ? IdOf(purpose.name()) : purpose.display_name();
    field.choices.push_back({purpose.name(), name, ""});
  }
  return field;
}

bool KnowsPurpose(Visit& visit, Reply& reply) {
  if (!visit.session->purpose.empty()) return true;
  const bool back = visit.request.method == "GET";
  reply = ShowForm(PurposePage(visit, back ? visit.request.path : "/console/people"));
  return false;
}

void AddPeoplePages(Routes& routes) {
  routes.Get("/console/people", "people.read_personal", &ShowSearch);
  routes.Post("/console/people", "people.read_personal", &Search);
  routes.Get("/console/people/purpose", "people.read_personal", &ShowPurpose);
  routes.Post("/console/people/purpose", "people.read_personal", &SetPurpose);
  AddPersonPages(routes);
  AddPersonConsentPages(routes);
  AddPersonHistoryPages(routes);
  AddPersonLinkPages(routes);
  AddPersonChangePages(routes);
  AddReviewPages(routes);
}

}  // namespace pharos::edge::console
