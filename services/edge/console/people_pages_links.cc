// The source records of one person: why each is linked, what the links weigh, and taking one out.
#include <fmt/format.h>

#include <algorithm>

#include "pharos/customer/v1/identity_service.pb.h"
#include "services/base/errors.h"
#include "services/edge/console/people_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr size_t kExplained = 20;  // links weighed on one page: each is a question to the service

absl::StatusOr<std::vector<v1::SourceRecord>> Records(const Visit& visit, const std::string& person) {
  v1::ListPersonRecordsRequest request;
  request.set_person(person);
  v1::ListPersonRecordsResponse response;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &response));
  return std::vector<v1::SourceRecord>(response.records().begin(), response.records().end());
}

Row RowOf(const v1::SourceRecord& record) {
  Cell name{RecordInWords(record.name())};
  name.more = "What it says";
  for (const auto& [field, value] : record.fields())
    name.lines.push_back(fmt::format("{}: {}", FieldInWords(field), ValueInWords(field, value)));
  std::sort(name.lines.begin(), name.lines.end());
  return {name,
          Number(static_cast<int64_t>(record.version())),
          {MomentInWords(record.update_time_us())},
          {record.link_rule()}};
}

absl::StatusOr<v1::LinkExplanation> Explain(const Visit& visit, const std::string& a, const std::string& b) {
  v1::ExplainLinkRequest request;
  request.set_record_a(a);
  request.set_record_b(b);
  v1::LinkExplanation explanation;
  PHAROS_RETURN_IF_ERROR(visit.Call(request, &explanation));
  return explanation;
}

// What people told us themselves and what stewards corrected is not matched: it hangs on the person.
bool IsMatched(const v1::SourceRecord& record) {
  return !record.name().starts_with("sources/direct/") && !record.name().starts_with("sources/stewards/");
}

// Each with the first record, which stands for the person: all pairs would be too many to read.
absl::StatusOr<std::vector<Section>> Weighed(const Visit& visit,
                                             const std::vector<v1::SourceRecord>& records) {
  std::vector<Section> sections(1);
  sections[0].heading = "What the links weigh";
  sections[0].paragraphs = {
      records.size() < 2 ? "There is only one record: nothing is linked."
                         : fmt::format("Each record compared with {}.", RecordInWords(records[0].name()))};
  if (records.size() > kExplained + 1)
    sections[0].paragraphs.push_back(fmt::format("The first {} are shown.", kExplained));
  for (size_t i = 1; i < std::min(records.size(), kExplained + 1); ++i) {
    const auto explanation = Explain(visit, records[0].name(), records[i].name());
    if (absl::IsNotFound(explanation.status())) continue;  // gone since the list was read
    if (!explanation.ok()) return explanation.status();
    Section section;
    section.tables = {WaterfallOf(*explanation, RecordInWords(records[i].name()))};
    section.after = WeightInWords(*explanation);
    sections.push_back(std::move(section));
  }
  return sections;
}

absl::StatusOr<Reply> ShowLinks(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  PHAROS_ASSIGN_OR_RETURN(const auto records, Records(visit, person.name()));
  Section list;
  Table table{"Source records",
              Heads({"Record", "#Version", "Changed", "Why it is linked"}),
              {},
              "There is no record."};
  for (const v1::SourceRecord& record : records) table.rows.push_back(RowOf(record));
  list.tables = {table};
  if (visit.May("identity.decide") && records.size() > 1)
    list.buttons = {{"Take records out of this person", PersonPath(person.name(), "unlink"), true}};
  std::vector<Section> sections = {list};
  if (visit.May("identity.read")) {
    std::vector<v1::SourceRecord> matched;
    std::copy_if(records.begin(), records.end(), std::back_inserter(matched), &IsMatched);
    PHAROS_ASSIGN_OR_RETURN(const auto weighed, Weighed(visit, matched));
    sections.insert(sections.end(), weighed.begin(), weighed.end());
  }
  Model model = PersonModel(person, "links", sections);
  AddCopyAs(model, "pharos identity explain quit/q-17 news/n-3",
            "customer.v1.PersonService/ListPersonRecords",
            fmt::format(R"({{"person": "{}"}})", person.name()));
  return Show("sections", std::move(model));
}

FormPage UnlinkPage(const v1::Person& person, const std::vector<v1::SourceRecord>& records) {
  FormPage page;
  page.title = "Which records are somebody else?";
  page.back = PersonPath(person.name(), "links");
  page.warning =
      "The records become people of their own again, with the ids that they had, and nothing that comes "
      "later links them to this "
      "person. An opt-out that was recorded meanwhile goes on applying to both.";
  Field which{Field::Kind::kCheckboxes, "records", "Records of " + NameOfPerson(person),
              "Select all that are not this person"};
  for (const v1::SourceRecord& record : records) {
    const auto value = [&](const char* field) {
      const auto at = record.fields().find(field);
      return at == record.fields().end() ? std::string() : " " + at->second;
    };
    which.choices.push_back(
        {record.name(), RecordInWords(record.name()),
         fmt::format("{}{}{}", value("given_name"), value("family_name"), value("date_of_birth"))});
  }
  page.fields = {
      which,
      {Field::Kind::kArea, "reason", "Why", "Other people will read this. Do not write names or numbers."}};
  page.button = "Take them out";
  page.danger = true;
  return page;
}

absl::StatusOr<Reply> ShowUnlink(Visit& visit) {
  Reply ask;
  if (!KnowsPurpose(visit, ask)) return ask;
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  PHAROS_ASSIGN_OR_RETURN(const auto records, Records(visit, person.name()));
  Model model = ModelOf(UnlinkPage(person, records));
  AddCopyAs(
      model, fmt::format("pharos identity unlink {} news/n-3 --reason \"two people\"", IdOf(person.name())),
      "customer.v1.IdentityService/UnlinkRecords",
      fmt::format(R"({{"person": "{}", "records": ["sources/news/records/n-3"], "reason": "two people"}})",
                  person.name()));
  return Show("form", std::move(model));
}

absl::StatusOr<Reply> Unlink(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const v1::Person person, LoadPerson(visit));
  PHAROS_ASSIGN_OR_RETURN(const auto records, Records(visit, person.name()));
  const FormPage page = UnlinkPage(person, records);
  v1::UnlinkRecordsRequest request;
  request.set_person(person.name());
  for (const std::string& record : visit.form.All("records")) request.add_records(record);
  request.set_reason(visit.form.Get("reason"));
  request.set_request_id(visit.form.Get("request_id"));
  std::vector<std::pair<std::string, std::string>> errors;
  if (request.records().empty()) errors.emplace_back("records", "Select the records that are somebody else");
  if (static_cast<size_t>(request.records_size()) == records.size())
    errors.emplace_back("records", "Leave at least one record with this person");
  if (request.reason().empty()) errors.emplace_back("reason", "Enter why they are somebody else");
  if (!errors.empty()) return ShowFormErrors(Refilled(page, visit.form), errors);
  v1::UnlinkRecordsResponse response;
  return Settle(visit, page, visit.Call(request, &response), PersonPath(person.name(), "links"),
                "Taken out. They are people of their own again.");
}

}  // namespace

void AddPersonLinkPages(Routes& routes) {
  routes.Get("/console/people/{}/links", "people.read_personal", &ShowLinks);
  routes.Get("/console/people/{}/unlink", "identity.decide", &ShowUnlink);
  routes.Post("/console/people/{}/unlink", "identity.decide", &Unlink);
}

}  // namespace pharos::edge::console
