#include "services/customer/person_service.h"

#include <algorithm>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/clean.h"
#include "services/customer/errors.h"
#include "services/customer/golden.h"
#include "services/customer/keys.h"
#include "services/customer/person_history.h"
#include "services/customer/purpose_store.h"
#include "services/customer/timeline.h"
#include "services/gate/gate.h"
#include "services/rpc/audit.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

constexpr std::string_view kPersonal = "people.read_personal";
constexpr size_t kTimelinePage = 100;

constexpr std::string_view kStatesFacts =
    "facts.write";  // who may restrict a person may see what is restricted

absl::Status CheckView(const rpc::Call& call, v1::PersonView view) {
  return view == v1::PERSON_VIEW_FULL && !call.Has(kPersonal) ? errors::PersonalDataDenied()
                                                              : absl::OkStatus();
}

PersonShown ShownTo(const rpc::Call& call, v1::PersonView view) {
  PersonShown shown;
  shown.values = view == v1::PERSON_VIEW_FULL;
  shown.contacts = call.Has(kPersonal) && call.Has(kStatesFacts);
  return shown;
}

// A retired purpose has no verdict: the gate is not asked any more.
absl::StatusOr<gate::Purpose> PurposeToJudge(const storage::View& view, const std::string& name) {
  PHAROS_ASSIGN_OR_RETURN(const auto row, LoadPurpose(view, name));
  if (!row) return errors::PurposeNotFound(name);
  if (row->retire_time_us() != 0) return errors::PurposeRetired(name);
  return GatePurpose(*row);
}

void ShowVerdict(const gate::Verdict& verdict, v1::Judgement::Candidate& candidate) {
  candidate.set_channel(verdict.channel);
  candidate.set_endpoint(ShowEndpointName(verdict.endpoint));
  candidate.set_reason(verdict.reason);
  candidate.set_evidence(verdict.evidence);
}

}  // namespace

absl::Status PersonService::Audit(const rpc::Call& call, std::string_view kind,
                                  const std::vector<std::string>& people) const {
  return rpc::AuditRead(call, store_, kind, people, clock_.WallMicros());
}

absl::Status PersonService::GetPerson(rpc::Call& call, const v1::GetPersonRequest& request,
                                      v1::Person& response) {
  PHAROS_RETURN_IF_ERROR(CheckView(call, request.view()));
  const auto view = store_.Read();
  if (request.as_of_time_us() != 0) return GetPersonThen(call, *view, request, response);
  PHAROS_ASSIGN_OR_RETURN(auto person, people_.Load(*view, request.name()));
  if (!person) return errors::PersonNotFound(request.name());
  PHAROS_RETURN_IF_ERROR(Audit(call, "person.read", {person->name()}));
  PersonShown shown = ShownTo(call, request.view());
  shown.alternatives = true;
  return ShowPerson(*view, people_, *std::move(person), shown, response);
}

absl::Status PersonService::GetPersonThen(rpc::Call& call, const storage::View& view,
                                          const v1::GetPersonRequest& request, v1::Person& response) const {
  const int64_t time = request.as_of_time_us();
  PHAROS_ASSIGN_OR_RETURN(const auto current, people_.Load(view, request.name()));
  if (!current) return errors::PersonNotFound(request.name());
  PHAROS_ASSIGN_OR_RETURN(const auto then, PersonAt(view, people_, request.name(), time));
  PHAROS_RETURN_IF_ERROR(Audit(call, "person.read", {current->name()}));
  if (!then) return errors::PersonNotKnownThen(request.name());
  PersonShown shown = ShownTo(call, request.view());
  shown.alternatives = true;
  shown.restricted = current->sensitive();
  return ShowPersonThen(view, people_, *then, time, shown, response);
}

absl::StatusOr<std::vector<std::string>> PersonService::FindByAddress(const storage::View& view,
                                                                      type::v1::Channel channel,
                                                                      const std::string& address,
                                                                      std::string_view field) const {
  if (address.empty()) return errors::ValueUnreadable(field);
  return people_.PeopleAt(view, people_.EndpointOf(channel, address));
}

absl::StatusOr<std::vector<std::string>> PersonService::FindByNhsNumber(const storage::View& view,
                                                                        std::string_view typed) const {
  const std::string number = CleanNhsNumber(typed);
  if (number.empty()) return errors::ValueUnreadable("nhs_number");
  const std::string prefix = PostingPrefix(people_.PostingOf("link:nhs_number", number));
  std::vector<std::string> records;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(prefix), [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.Raw(prefix.size() - 1);
    const std::string source = reader.String();
    records.push_back(RecordName(source, reader.String()));
    return records.size() < kMostFound;
  }));
  std::vector<std::string> people;
  for (const auto& record : records) {
    PHAROS_ASSIGN_OR_RETURN(const auto found, FindByRecord(view, record));
    people.insert(people.end(), found.begin(), found.end());
  }
  return people;
}

absl::StatusOr<std::vector<std::string>> PersonService::FindByRecord(const storage::View& view,
                                                                     const std::string& name) const {
  if (!ParseRecordName(name)) return errors::ValueUnreadable("record");
  PHAROS_ASSIGN_OR_RETURN(const auto row, people_.LoadRecord(view, name));
  if (!row) return std::vector<std::string>();
  return std::vector<std::string>{row->person()};
}

absl::StatusOr<std::vector<std::string>> PersonService::Find(const storage::View& view,
                                                             const v1::LookupPeopleRequest& request) const {
  switch (request.by_case()) {
    case v1::LookupPeopleRequest::kEmail:
      return FindByAddress(view, type::v1::CHANNEL_EMAIL, CleanEmail(request.email()), "email");
    case v1::LookupPeopleRequest::kPhone:
      return FindByAddress(view, type::v1::CHANNEL_SMS, CleanPhone(request.phone()), "phone");
    case v1::LookupPeopleRequest::kNhsNumber:
      return FindByNhsNumber(view, request.nhs_number());
    case v1::LookupPeopleRequest::kRecord:
      return FindByRecord(view, request.record());
    case v1::LookupPeopleRequest::BY_NOT_SET:
      break;
  }
  return errors::FieldMissing("by", "give one of email, phone, nhs_number or record");
}

absl::Status PersonService::LookupPeople(rpc::Call& call, const v1::LookupPeopleRequest& request,
                                         v1::LookupPeopleResponse& response) {
  PHAROS_RETURN_IF_ERROR(CheckView(call, request.view()));
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const auto found, Find(*view, request));
  std::vector<PersonRow> people;
  std::vector<std::string> names;
  for (const auto& name : std::set<std::string>(found.begin(), found.end())) {
    if (people.size() == kMostFound) break;
    PHAROS_ASSIGN_OR_RETURN(auto person, people_.Load(*view, name));
    if (!person) continue;
    names.push_back(person->name());
    people.push_back(*std::move(person));
  }
  if (request.view() == v1::PERSON_VIEW_FULL) PHAROS_RETURN_IF_ERROR(people_.Open(people));
  PHAROS_RETURN_IF_ERROR(Audit(call, "people.lookedUp", names));
  const PersonShown shown = ShownTo(call, request.view());
  for (auto& person : people)
    PHAROS_RETURN_IF_ERROR(ShowPerson(*view, people_, std::move(person), shown, *response.add_people()));
  return absl::OkStatus();
}

absl::Status PersonService::JudgePerson(rpc::Call& call, const v1::JudgePersonRequest& request,
                                        v1::Judgement& response) {
  std::vector<type::v1::Channel> channels;
  for (int channel : request.channels()) channels.push_back(static_cast<type::v1::Channel>(channel));
  if (channels.empty()) return errors::FieldMissing("channels", "name the channels to try, in order");
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const auto person, people_.Load(*view, request.person()));
  if (!person) return errors::PersonNotFound(request.person());
  PHAROS_ASSIGN_OR_RETURN(const gate::Purpose purpose, PurposeToJudge(*view, request.purpose()));
  PHAROS_ASSIGN_OR_RETURN(const auto facts, people_.FactsOf(*view, *person));
  PHAROS_RETURN_IF_ERROR(Audit(call, "person.judged", {person->name()}));
  const gate::Judgement judgement = gate::JudgePerson(facts, purpose, channels);
  response.set_person(person->name());
  response.set_reason(judgement.chosen.reason);
  if (judgement.chosen.reason == type::v1::ALLOW)
    response.set_endpoint(ShowEndpointName(judgement.chosen.endpoint));
  for (const auto& verdict : judgement.candidates) ShowVerdict(verdict, *response.add_candidates());
  return absl::OkStatus();
}

absl::Status PersonService::ListPersonRecords(rpc::Call& call, const v1::ListPersonRecordsRequest& request,
                                              v1::ListPersonRecordsResponse& response) {
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const auto person, people_.Load(*view, request.person()));
  if (!person) return errors::PersonNotFound(request.person());
  std::vector<RecordRow> rows;
  for (const auto& name : person->records()) {
    PHAROS_ASSIGN_OR_RETURN(auto row, people_.LoadRecord(*view, name));
    if (!row) return errors::RecordMissing(name);
    rows.push_back(*std::move(row));
  }
  if (call.Has(kPersonal)) PHAROS_RETURN_IF_ERROR(people_.Open(rows));
  PHAROS_RETURN_IF_ERROR(Audit(call, "person.records.read", {person->name()}));
  for (auto& row : rows) {
    auto* record = response.add_records();
    record->set_name(row.name());
    record->set_version(row.version());
    record->set_person(row.person());
    record->set_update_time_us(row.update_time_us());
    record->set_link_rule(row.link_rule());
    if (!call.Has(kPersonal)) continue;
    const bool hide = person->sensitive() && !call.Has(kStatesFacts);
    for (const auto& [field, value] : row.fields()) {
      if (!hide || !IsContactField(field)) (*record->mutable_fields())[field] = value;
    }
  }
  return absl::OkStatus();
}

absl::Status PersonService::ListTimeline(rpc::Call& call, const v1::ListTimelineRequest& request,
                                         v1::ListTimelineResponse& response) {
  TimelinePlace place;
  place.time = request.as_of_time_us() != 0 ? request.as_of_time_us() : clock_.WallMicros();
  if (!request.page_token().empty()) {
    PHAROS_ASSIGN_OR_RETURN(place, ReadTimelineToken(request));
  }
  const auto view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const auto current, people_.Load(*view, request.person()));
  if (!current) return errors::PersonNotFound(request.person());
  PersonThen then{current->name(), {current->records().begin(), current->records().end()}};
  if (request.as_of_time_us() != 0) {
    PHAROS_ASSIGN_OR_RETURN(auto known, PersonAt(*view, people_, request.person(), place.time));
    if (!known) return errors::PersonNotKnownThen(request.person());
    then = *std::move(known);
  }
  PHAROS_ASSIGN_OR_RETURN(auto events, TimelineOf(*view, people_, then, *current, place.time));
  PHAROS_RETURN_IF_ERROR(Audit(call, "person.timeline.read", {current->name()}));
  std::erase_if(events, [&](const auto& event) { return !IsWanted(event, request); });
  SortTimeline(events);
  const size_t most = request.page_size() == 0 ? kTimelinePage : static_cast<size_t>(request.page_size());
  const size_t end = std::min(events.size(), place.skip + most);
  for (size_t at = place.skip; at < end; ++at) *response.add_events() = std::move(events[at]);
  if (end < events.size()) response.set_next_page_token(TimelineToken(request, {place.time, end}));
  return absl::OkStatus();
}

absl::Status PersonService::GetCounts(rpc::Call&, const v1::GetCountsRequest&, v1::Counts& response) {
  record::v1::CountsRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(store_, CountsKey(), row).status());
  response.set_people(row.people());
  response.set_records(row.records());
  return absl::OkStatus();
}

}  // namespace pharos::customer
