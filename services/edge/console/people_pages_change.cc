// Correcting a value of a person, and erasing a person.
#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/edge/console/people_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr const char* kFields[] = {
    "given_name", "preferred_name", "middle_name", "family_name", "date_of_birth", "sex",
    "email",      "phone",          "house",       "street",      "town",          "county",
    "postcode",   "country",        "nhs_number",  "language",    "role"};
constexpr char kEraseWord[] = "erase";

FormPage CorrectPage(const v1::Person& person) {
  FormPage page;
  page.title = fmt::format("Correct a value of {}", NameOfPerson(person));
  page.back = PersonPath(person.name());
  page.paragraphs = {
      "A correction wins over what every source says, and goes on winning when a source says it again. What "
      "the sources said "
      "is kept beside it."};
  Field field{Field::Kind::kSelect, "field", "What is wrong", ""};
  for (const char* name : kFields) field.choices.push_back({name, FieldInWords(name), ""});
  page.fields = {field,
                 {Field::Kind::kText, "value", "What is right",
                  "Leave it empty to take an earlier correction back. Write dates as 1980-03-27."},
                 {Field::Kind::kArea, "reason", "Why",
                  "For example, their letter of 3 March. Do not write the value here."}};
  page.button = "Correct it";
  return page;
}

absl::StatusOr<Reply> ShowCorrect(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  Model model = ModelOf(CorrectPage(person));
  AddCopyAs(
      model,
      fmt::format("pharos person correct {} --set family_name=Lamb --reason \"letter\"", IdOf(person.name())),
      "customer.v1.PersonService/CorrectPerson",
      fmt::format(R"({{"person": "{}", "fields": {{"family_name": "Lamb"}}, "reason": "letter"}})",
                  person.name()));
  return Show("form", std::move(model));
}

absl::StatusOr<Reply> Correct(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  const FormPage page = CorrectPage(person);
  if (visit.form.Get("reason").empty())
    return ShowFormErrors(Refilled(page, visit.form), {{"reason", "Enter why this is right"}});
  v1::CorrectPersonRequest request;
  request.set_person(person.name());
  (*request.mutable_fields())[visit.form.Get("field")] = visit.form.Get("value");
  request.set_reason(visit.form.Get("reason"));
  request.set_request_id(visit.form.Get("request_id"));
  v1::Person corrected;
  return Settle(visit, page, visit.Call(request, &corrected), PersonPath(person.name()), "Corrected.");
}

FormPage ErasePage(const v1::Person& person) {
  FormPage page;
  page.title = fmt::format("Erase {}", NameOfPerson(person));
  page.back = PersonPath(person.name());
  page.warning =
      "This cannot be undone. All records of this person are emptied, no feed can bring them back, and their "
      "numbers and "
      "addresses stay blocked, also for others who share them.";
  page.facts = {{"Source records", {Thousands(person.records_size())}, "", ""},
                {"Numbers and addresses", {Thousands(person.endpoints_size())}, "", ""}};
  page.fields = {{Field::Kind::kArea, "reason", "Who asked, and how",
                  "For example, the person, by letter. Do not write names."},
                 {Field::Kind::kText, "confirm", fmt::format("Type \"{}\" to confirm", kEraseWord), ""}};
  page.fields[1].width = "govuk-input--width-10";
  page.button = "Erase this person";
  page.danger = true;
  return page;
}

absl::StatusOr<Reply> ShowErase(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  Model model = ModelOf(ErasePage(person));
  AddCopyAs(model,
            fmt::format("pharos person erase {} --reason \"the person, by letter\"", IdOf(person.name())),
            "customer.v1.PersonService/ErasePerson",
            fmt::format(R"({{"person": "{}", "reason": "the person, by letter"}})", person.name()));
  return Show("form", std::move(model));
}

absl::StatusOr<Reply> Erase(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  const FormPage page = ErasePage(person);
  std::vector<std::pair<std::string, std::string>> errors;
  if (visit.form.Get("reason").empty()) errors.emplace_back("reason", "Enter who asked, and how");
  if (base::LowerAscii(visit.form.Get("confirm")) != kEraseWord)
    errors.emplace_back("confirm",
                        fmt::format("Type \"{}\" to confirm that this cannot be undone", kEraseWord));
  if (!errors.empty()) return ShowFormErrors(Refilled(page, visit.form), errors);
  v1::ErasePersonRequest request;
  request.set_person(person.name());
  request.set_reason(visit.form.Get("reason"));
  request.set_request_id(visit.form.Get("request_id"));
  v1::ErasePersonResponse response;
  const absl::Status status = visit.Call(request, &response);
  return Settle(visit, page, status, PersonPath(person.name()),
                fmt::format("Erased: {} records emptied, {} numbers and addresses blocked.",
                            Thousands(response.records()), Thousands(response.endpoints())));
}

}  // namespace

void AddPersonChangePages(Routes& routes) {
  routes.Get("/console/people/{}/correct", "people.correct", &ShowCorrect);
  routes.Post("/console/people/{}/correct", "people.correct", &Correct);
  routes.Get("/console/people/{}/erase", "people.erase", &ShowErase);
  routes.Post("/console/people/{}/erase", "people.erase", &Erase);
}

}  // namespace pharos::edge::console
