#include "services/customer/person_view.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/errors.h"
#include "services/customer/golden.h"

namespace pharos::customer {

using record::v1::EndpointRow;
using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

// Somebody answered from there: a START, or an opt-in that was confirmed at it.
bool IsConfirmed(const EndpointRow& row) {
  return std::any_of(row.entries().begin(), row.entries().end(), [](const auto& entry) {
    return entry.direct() && entry.kind() == type::v1::GRANTED && entry.scope() == type::v1::SCOPE_ENDPOINT;
  });
}

bool IsHidden(const PersonRow& row, const PersonShown& shown, std::string_view field) {
  return (row.sensitive() || shown.restricted) && !shown.contacts && IsContactField(field);
}

void ShowRow(const PersonRow& row, v1::Person& person) {
  person.set_name(row.name());
  person.set_version(row.version());
  person.set_deceased(row.deceased());
  person.set_paused(row.paused());
  person.set_sensitive(row.sensitive());
  person.set_erased(row.erased());
  *person.mutable_audience_kinds() = row.audience_kinds();
  *person.mutable_records() = row.records();
  *person.mutable_former_names() = row.former_names();
}

void ShowStored(const PersonRow& row, const PersonShown& shown, v1::Person& person) {
  for (const auto& field : row.fields()) {
    if (IsHidden(row, shown, field.field())) continue;
    auto& golden = *person.add_fields();
    golden.set_field(field.field());
    golden.set_value(field.value());
    golden.set_record(field.record());
    golden.set_time_us(field.time_us());
    golden.set_rule(field.rule());
    golden.set_verified(field.verified());
  }
}

void ShowRanked(const RankedField& field, bool alternatives, v1::GoldenField& golden) {
  const RankedValue& first = field.values.front();
  golden.set_field(field.field);
  golden.set_value(first.value);
  golden.set_record(first.record->name());
  golden.set_time_us(first.record->update_time_us());
  golden.set_rule(first.rule);
  golden.set_verified(first.verified);
  for (size_t at = 1; alternatives && at < field.values.size(); ++at) {
    auto& other = *golden.add_alternatives();
    other.set_value(field.values[at].value);
    other.set_record(field.values[at].record->name());
    other.set_time_us(field.values[at].record->update_time_us());
    other.set_rule(field.values[at].rule);
  }
}

// From what the records say, best first.
absl::Status ShowFromRecords(const storage::View& view, const std::vector<RecordRow>& records,
                             const AddressStandings& standing, const PersonRow& row, const PersonShown& shown,
                             v1::Person& person) {
  std::vector<const RecordRow*> speaking;
  for (const auto& record : records) speaking.push_back(&record);
  SourceReader sources(view);
  const auto ranked = RankFields(
      speaking, [&](std::string_view source) { return sources.Find(source); }, standing);
  PHAROS_RETURN_IF_ERROR(sources.status());
  for (const auto& field : ranked) {
    const bool nothing = field.values.front().value.empty() && !shown.alternatives;
    if (!nothing && !IsHidden(row, shown, field.field))
      ShowRanked(field, shown.alternatives, *person.add_fields());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RecordRow>> OpenRecords(const storage::View& view, const PersonStore& people,
                                                   const PersonRow& row) {
  std::vector<RecordRow> records;
  for (const auto& name : row.records()) {
    PHAROS_ASSIGN_OR_RETURN(auto record, people.LoadRecord(view, name));
    if (!record) return errors::RecordMissing(name);
    if (!SealedRows::IsGone(*record)) records.push_back(*std::move(record));
  }
  PHAROS_RETURN_IF_ERROR(people.Open(records));
  return records;
}

// The person's endpoints as they stand in the store, in the person's order.
struct Endpoints {
  std::vector<EndpointRow> rows;
  bool plain = true;  // none is suppressed or confirmed: the stored golden record says it all
};
absl::StatusOr<Endpoints> LoadEndpoints(const storage::View& view, const PersonStore& people,
                                        const PersonRow& row) {
  Endpoints endpoints;
  for (const auto& endpoint : row.endpoints()) {
    PHAROS_ASSIGN_OR_RETURN(auto state, people.LoadEndpoint(view, endpoint.endpoint()));
    endpoints.plain = endpoints.plain && state.suppressed() == 0 && !IsConfirmed(state);
    endpoints.rows.push_back(std::move(state));
  }
  return endpoints;
}

AddressStandings StandingsOf(const PersonStore& people, const PersonRow& row, const Endpoints& endpoints) {
  return [&](type::v1::Channel channel, std::string_view address) {
    const std::string blind = people.EndpointOf(channel, address);
    AddressStanding standing;
    for (int at = 0; at < row.endpoints_size(); ++at) {
      if (row.endpoints(at).endpoint() != blind) continue;
      const EndpointRow& state = endpoints.rows[static_cast<size_t>(at)];
      standing = {IsConfirmed(state), state.suppressed() != 0};
    }
    return standing;
  };
}

void ShowEndpoints(const PersonRow& row, const Endpoints* states, const PersonShown& shown,
                   v1::Person& person) {
  for (int at = 0; at < row.endpoints_size(); ++at) {
    const auto& endpoint = row.endpoints(at);
    auto* one = person.add_endpoints();
    one->set_name(ShowEndpointName(endpoint.endpoint()));
    one->set_channel(endpoint.channel());
    if (states != nullptr) one->set_suppressed(states->rows[static_cast<size_t>(at)].suppressed());
    if (shown.values && !IsHidden(row, shown, "phone")) one->set_address(endpoint.address());
  }
}

}  // namespace

std::string ShowEndpointName(std::string_view endpoint) {
  return endpoint.empty() ? std::string() : "endpoints/" + base::ToHex(endpoint);
}

absl::Status ShowPerson(const storage::View& view, const PersonStore& people, PersonRow row,
                        const PersonShown& shown, v1::Person& person) {
  if (shown.values) PHAROS_RETURN_IF_ERROR(people.Open({&row, 1}));
  ShowRow(row, person);
  PHAROS_ASSIGN_OR_RETURN(const Endpoints endpoints, LoadEndpoints(view, people, row));
  ShowEndpoints(row, &endpoints, shown, person);
  if (!shown.values) return absl::OkStatus();
  if (endpoints.plain && !shown.alternatives) {
    ShowStored(row, shown, person);
    return absl::OkStatus();
  }
  PHAROS_ASSIGN_OR_RETURN(const auto records, OpenRecords(view, people, row));
  return ShowFromRecords(view, records, StandingsOf(people, row, endpoints), row, shown, person);
}

absl::Status ShowPersonThen(const storage::View& view, const PersonStore& people, const PersonThen& then,
                            int64_t time, const PersonShown& shown, v1::Person& person) {
  PHAROS_ASSIGN_OR_RETURN(const std::vector<RecordRow> records, RecordsAt(view, people, then.records, time));
  std::vector<const RecordRow*> speaking;
  for (const auto& record : records) speaking.push_back(&record);
  PersonRow row;
  SourceReader sources(view);
  if (!speaking.empty()) {
    row = BuildPerson(
        then.name, speaking, [&](std::string_view source) { return sources.Find(source); },
        [&](type::v1::Channel channel, std::string_view address) {
          return people.EndpointOf(channel, address);
        });
  }
  PHAROS_RETURN_IF_ERROR(sources.status());
  row.set_name(then.name);
  row.set_version(0);
  row.set_erased(false);
  row.clear_records();
  for (const auto& record : then.records) row.add_records(record);
  ShowRow(row, person);
  ShowEndpoints(row, nullptr, shown, person);
  return shown.values ? ShowFromRecords(view, records, nullptr, row, shown, person) : absl::OkStatus();
}

}  // namespace pharos::customer
