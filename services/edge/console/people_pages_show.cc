// What is known of one person, with where each value comes from.
#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/edge/console/people_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

Row RowOf(const v1::GoldenField& field) {
  Cell value{ValueInWords(field.field(), field.value())};
  if (field.alternatives_size() > 0)
    value.more = field.alternatives_size() == 1 ? "1 other value"
                                                : fmt::format("{} other values", field.alternatives_size());
  for (const auto& other : field.alternatives())
    value.lines.push_back(
        fmt::format("{} ({}, {}; behind because: {})", ValueInWords(field.field(), other.value()),
                    RecordInWords(other.record()), MomentInWords(other.time_us()), other.rule()));
  return {{FieldInWords(field.field())},
          value,
          {RecordInWords(field.record())},
          {MomentInWords(field.time_us())},
          {fmt::format("{}{}", field.rule(), field.verified() ? ", verified" : "")}};
}

Section GoldenOf(const v1::Person& person) {
  Section section;
  Table table{"What is known",
              Heads({"What", "Value", "From", "Said", "Why this one"}),
              {},
              "Nothing is known of this person."};
  for (const v1::GoldenField& field : person.fields()) table.rows.push_back(RowOf(field));
  section.tables = {table};
  return section;
}

Section EndpointsOf(const v1::Person& person) {
  Section section;
  Table table{"Numbers and addresses, in the order tried",
              Heads({"Number or address", "Used for", "Status"}),
              {},
              "There is no number or address."};
  for (const v1::Endpoint& endpoint : person.endpoints()) {
    const bool mail = endpoint.channel() == type::v1::CHANNEL_EMAIL,
               landline = endpoint.channel() == type::v1::CHANNEL_UNSPECIFIED;
    const std::string shown =
        endpoint.address().empty() ? "Not shown" : ValueInWords(mail ? "email" : "phone", endpoint.address());
    const std::string blocked = SuppressionInWords(endpoint.suppressed());
    table.rows.push_back({{shown},
                          {landline ? "Landline: not used"
                           : mail   ? "Email"
                                    : "Text message"},
                          blocked.empty() ? Tag("In use", "green") : Tag(blocked, "red")});
  }
  section.tables = {table};
  return section;
}

std::string StatusOf(const v1::Person& person) {
  std::string words;
  const auto add = [&](bool holds, const char* word) {
    if (holds) words += fmt::format("{}{}", words.empty() ? "" : ", ", word);
  };
  add(person.erased(), "Erased");
  add(person.deceased(), "Has died");
  add(person.paused(), "Paused: do not disturb");
  add(person.sensitive(), "Restricted: addresses are shown to governance alone");
  return words.empty() ? "Nothing special" : words;
}

Section SummaryOf(const v1::Person& person, bool may_change) {
  Section section;
  std::string kinds;
  for (const int kind : person.audience_kinds())
    kinds += fmt::format("{}{}", kinds.empty() ? "" : ", ",
                         KindInWords(static_cast<type::v1::AudienceKind>(kind)));
  section.facts = {
      {"Id", {IdOf(person.name())}, "", ""},
      {"Known as", {kinds}, "", ""},
      {"Status", {StatusOf(person)}, may_change ? PersonPath(person.name(), "facts") : "", "Change"},
      {"Source records", {Thousands(person.records_size())}, PersonPath(person.name(), "links"), "Look"}};
  if (person.former_names_size() > 0)
    section.facts.push_back({"Earlier ids", {Thousands(person.former_names_size())}, "", ""});
  return section;
}

absl::StatusOr<Reply> ShowPerson(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  const bool whole = !person.erased();
  std::vector<Section> sections = {SummaryOf(person, whole && visit.May("facts.write"))};
  if (whole) {
    sections.push_back(GoldenOf(person));
    sections.push_back(EndpointsOf(person));
    Section acts;
    if (visit.May("people.correct"))
      acts.buttons.push_back({"Correct a value", PersonPath(person.name(), "correct")});
    if (visit.May("people.erase"))
      acts.buttons.push_back({"Erase this person", PersonPath(person.name(), "erase"), false, true});
    sections.push_back(acts);
  }
  Model model = PersonModel(person, "", sections);
  AddCopyAs(model, fmt::format("pharos person show {}", IdOf(person.name())),
            "customer.v1.PersonService/GetPerson",
            fmt::format(R"({{"name": "{}", "view": "PERSON_VIEW_FULL"}})", person.name()));
  return Show("sections", std::move(model));
}

}  // namespace

std::string PersonPath(std::string_view person, std::string_view rest) {
  return fmt::format("/console/people/{}{}{}", IdOf(person), rest.empty() ? "" : "/", rest);
}

absl::StatusOr<v1::Person> LoadPerson(Visit& visit) {
  v1::GetPersonRequest request;
  request.set_name(fmt::format("people/{}", visit.args[0]));
  request.set_view(v1::PERSON_VIEW_FULL);
  v1::Person person;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &person));
  return person;
}

Model PersonModel(const v1::Person& person, std::string_view here, const std::vector<Section>& sections) {
  Model model =
      PageModel(person.erased() ? "Erased person" : NameOfPerson(person), sections, "/console/people");
  model["has_tabs"] = true;
  model["tabs_label"] = "This person";
  model["tabs"] = Model::array();
  constexpr std::pair<const char*, const char*> kPages[] = {{"", "What is known"},
                                                            {"consent", "Consent"},
                                                            {"why", "May we write?"},
                                                            {"timeline", "Timeline"},
                                                            {"links", "Records and links"}};
  for (const auto& [rest, words] : kPages)
    model["tabs"].push_back(
        {{"path", PersonPath(person.name(), rest)}, {"words", words}, {"here", here == rest}});
  return model;
}

void AddPersonPages(Routes& routes) {
  routes.Get("/console/people/{}", "people.read_personal", &ShowPerson);
}

}  // namespace pharos::edge::console
