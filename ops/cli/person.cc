// pharos person, pharos counts: the single view of one person, with where each value comes from.
#include "fmt/format.h"
#include "ops/cli/find_person.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"

namespace pharos::cli {

using namespace customer::v1;

const std::vector<Option>& WhoOptions() {
  static const auto* options = new std::vector<Option>{{"person", "PERSON", "id of the person"},
                                                       {"phone", "NUMBER", "who has this phone number"},
                                                       {"email", "ADDRESS", "who has this email address"},
                                                       {"nhs-number", "NUMBER", "who has this NHS number"},
                                                       {"record", "NAME", "sources/SOURCE/records/RECORD"}};
  return *options;
}

absl::StatusOr<std::vector<Person>> FindPeople(Context& c, PersonView view, const std::string& operand) {
  std::string name = operand.empty() ? c.args.Get("person") : operand;
  if (!name.empty()) {
    GetPersonRequest request;
    request.set_name(Name("people", name));
    request.set_view(view);
    std::vector<Person> people(1);
    PHAROS_RETURN_IF_ERROR(c.client.Call(request, &people[0]));
    return people;
  }
  LookupPeopleRequest request;
  request.set_view(view);
  if (c.args.Has("phone")) request.set_phone(c.args.Get("phone"));
  if (c.args.Has("email")) request.set_email(c.args.Get("email"));
  if (c.args.Has("nhs-number")) request.set_nhs_number(c.args.Get("nhs-number"));
  if (c.args.Has("record")) request.set_record(c.args.Get("record"));
  if (request.by_case() == LookupPeopleRequest::BY_NOT_SET) {
    return UsageError("Say whom: a person's id, --phone, --email, --nhs-number or --record.");
  }
  LookupPeopleResponse found;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &found));
  if (found.people().empty()) {
    return base::MakeError(
        absl::StatusCode::kNotFound, "PERSON_NOT_FOUND",
        "Nobody has that. Check the spelling; numbers may have spaces, and +44 or 0 in front.");
  }
  return std::vector<Person>(found.people().begin(), found.people().end());
}

absl::StatusOr<std::string> FindOnePerson(Context& c, const std::string& operand) {
  PHAROS_ASSIGN_OR_RETURN(auto people, FindPeople(c, PERSON_VIEW_BASIC, operand));
  if (people.size() == 1) return people[0].name();
  std::vector<std::string> names;
  for (const Person& person : people) names.push_back(Short(person.name()));
  return UsageError(
      fmt::format("{} people have that. Say whom with --person: {}.", people.size(), fmt::join(names, ", ")));
}

namespace {

std::string Kinds(const Person& person) {
  std::vector<std::string> words;
  for (int kind : person.audience_kinds()) {
    words.push_back(EnumWord(type::v1::AudienceKind_descriptor(), "AUDIENCE_KIND_", kind));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

void ShowEndpoints(Output& out, const Person& person) {
  for (const Endpoint& endpoint : person.endpoints()) {
    std::string channel = endpoint.channel() == type::v1::CHANNEL_UNSPECIFIED
                              ? "landline"
                              : EnumWord(type::v1::Channel_descriptor(), "CHANNEL_", endpoint.channel());
    out.Data(fmt::format("  {:<8} {}  {}{}", channel, endpoint.address(), endpoint.name(),
                         endpoint.suppressed() == 0
                             ? ""
                             : "  suppressed: " + EnumWord(type::v1::SuppressionReason_descriptor(), "",
                                                           endpoint.suppressed())));
  }
}

void ShowPerson(Context& c, const Person& person) {
  Output& out = c.out;
  if (out.json()) return out.Json(person);
  out.Data(out.Bold(person.name()) + "  " + Kinds(person) + (person.deceased() ? ", deceased" : "") +
           (person.paused() ? ", not to be disturbed" : "") +
           (person.sensitive() ? ", sensitive: addresses restricted" : "") +
           (person.erased() ? "erased" : ""));
  if (!person.fields().empty()) {
    Table table({"field", "value", "from", "why this value"});
    for (const GoldenField& field : person.fields()) {
      if (!field.value().empty())
        table.Add({field.field(), field.value(), field.record(),
                   field.rule() + (field.verified() ? ", verified" : "")});
      if (!c.args.Has("all")) continue;
      for (const auto& other : field.alternatives())
        table.Add({"", "not " + other.value(), other.record(), "behind by: " + other.rule()});
    }
    table.Print(out);
  }
  ShowEndpoints(out, person);
  out.Data(fmt::format("  {} linked records: {}", person.records_size(), fmt::join(person.records(), ", ")));
}

// Everything that is known of a person now, or was then.
absl::StatusOr<Person> ReadPerson(Context& c, const std::string& name, PersonView view, int64_t then) {
  GetPersonRequest request;
  request.set_name(name);
  request.set_view(view);
  request.set_as_of_time_us(then);
  Person person;
  PHAROS_RETURN_IF_ERROR(c.client.Call(request, &person));
  return person;
}

absl::Status ShowPeople(Context& c) {
  PersonView view = c.args.Has("basic") ? PERSON_VIEW_BASIC : PERSON_VIEW_FULL;
  int64_t then = 0;
  if (c.args.Has("as-of")) {
    PHAROS_ASSIGN_OR_RETURN(then, ParseTime(c.args.Get("as-of")));
  }
  const std::string named = c.args.Operand(0).empty() ? c.args.Get("person") : c.args.Operand(0);
  if (!named.empty()) {  // perhaps one who was somebody else then
    PHAROS_ASSIGN_OR_RETURN(const Person person, ReadPerson(c, Name("people", named), view, then));
    ShowPerson(c, person);
    return absl::OkStatus();
  }
  const bool again = then != 0 || c.args.Has("all");
  PHAROS_ASSIGN_OR_RETURN(auto people, FindPeople(c, again ? PERSON_VIEW_BASIC : view));
  for (const Person& found : people) {
    PHAROS_ASSIGN_OR_RETURN(const Person person, again ? ReadPerson(c, found.name(), view, then) : found);
    ShowPerson(c, person);
  }
  return absl::OkStatus();
}

void ShowRecord(Output& out, const SourceRecord& record) {
  if (out.json()) return out.Json(record);
  out.Data(fmt::format("{}  version {}, updated {}, linked by {}", out.Bold(record.name()), record.version(),
                       Time(record.update_time_us()), record.link_rule()));
  for (const auto& [field, value] : record.fields()) out.Data(fmt::format("  {:<16} {}", field, value));
}

absl::Status ShowRecords(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(auto people, FindPeople(c, PERSON_VIEW_BASIC, c.args.Operand(0)));
  for (const Person& person : people) {
    ListPersonRecordsRequest request;
    request.set_person(person.name());
    ListPersonRecordsResponse records;
    PHAROS_RETURN_IF_ERROR(c.client.Call(request, &records));
    for (const SourceRecord& record : records.records()) ShowRecord(c.out, record);
  }
  return absl::OkStatus();
}

absl::Status ShowCounts(Context& c) {
  class Counts counts;
  PHAROS_RETURN_IF_ERROR(c.client.Call(GetCountsRequest(), &counts));
  if (c.out.json()) {
    c.out.Json(counts);
  } else {
    c.out.Data(
        fmt::format("{} people, {} source records", Thousands(counts.people()), Thousands(counts.records())));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> PersonCommands() {
  std::vector<Option> show = WhoOptions();
  show.push_back({"basic", "", "no personal data: ids, kinds and records only"});
  show.push_back({"all", "", "also every value that did not win, in order, with the rule that put it there"});
  show.push_back({"as-of", "TIME", "what we knew then, e.g. 2026-03-01"});
  std::vector<Command> commands = {
      {"person",
       "show",
       "[PERSON]",
       "One person, with where each value comes from.",
       {"person show --phone \"07700 900123\"", "person show 01jd3v7m8q0000000000000000",
        "person show 01jd3v7m8q0000000000000000 --all --as-of 2026-03-01",
        "person show --record sources/quit/records/q-17 --json"},
       show,
       ShowPeople},
      {"person",
       "records",
       "[PERSON]",
       "What each source says about one person, as received.",
       {"person records --email someone@example.org"},
       WhoOptions(),
       ShowRecords},
      {"counts", "", "", "How many people and records there are.", {"counts"}, {}, ShowCounts}};
  for (Command& command : PersonChangeCommands()) commands.push_back(std::move(command));
  return commands;
}

}  // namespace pharos::cli
