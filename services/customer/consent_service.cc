#include "services/customer/consent_service.h"

#include <algorithm>
#include <optional>

#include "pharos/customer/v1/consent_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/entry_index.h"
#include "services/customer/errors.h"
#include "services/customer/facts.h"
#include "services/customer/keys.h"
#include "services/customer/opt_out_choice.h"
#include "services/customer/opt_out_lift.h"
#include "services/customer/opt_out_store.h"
#include "services/customer/purpose_store.h"
#include "services/rpc/audit.h"
#include "services/rpc/once.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::LedgerRow;
using record::v1::PersonRow;

namespace {

constexpr size_t kMostEntries = 10'000;  // of one answer, as its proto says

ChangeMaker ChangesOf(const rpc::Call& call, int64_t now) {
  return [&call, now](std::string_view resource, std::string_view kind, uint64_t version) {
    return rpc::ChangeBy(call, resource, kind, version, now);
  };
}

// When the person said it. A time ahead of us would outlive whatever the person says next. What is said now
// comes after all that was said before, also where our clock has been set back: an opt-out must not lose
// against a grant that we had already taken.
int64_t EventTime(int64_t said, const LedgerRow& entry, const PersonRow& person,
                  const record::v1::EndpointRow& endpoint, int64_t now) {
  if (said > 0) return std::min(said, now);
  int64_t time = now;
  if (entry.gate().kind() == type::v1::GRANTED) return time;
  for (const auto* entries : {&person.entries(), &endpoint.entries()}) {
    for (const auto& earlier : *entries) {
      if (earlier.direct()) time = std::max(time, earlier.event_time_us());
    }
  }
  return time;
}

// What a withdrawal covers, as an entry; only the parts that its scope means are taken over.
absl::StatusOr<LedgerRow> EntryOf(const v1::WithdrawConsentRequest& request) {
  LedgerRow entry;
  auto& gate = *entry.mutable_gate();
  gate.set_kind(request.objection() ? type::v1::OBJECTED_TO : type::v1::WITHDRAWN);
  gate.set_scope(request.scope());
  gate.set_event_time_us(request.event_time_us());
  entry.set_how(request.how());
  const bool endpoint_meant = request.scope() == type::v1::SCOPE_ENDPOINT;
  if (endpoint_meant || (request.scope() == type::v1::SCOPE_PURPOSE && !request.endpoint().empty())) {
    gate.set_endpoint(EndpointOfName(request.endpoint()));
    if (gate.endpoint().empty()) return errors::FieldMissing("endpoint", "endpoints/{endpoint}");
  }
  switch (request.scope()) {
    case type::v1::SCOPE_PURPOSE:
      if (request.purpose().empty()) return errors::FieldMissing("purpose", "purposes/{purpose}");
      gate.set_purpose(request.purpose());
      break;
    case type::v1::SCOPE_ENDPOINT:
    case type::v1::SCOPE_EVERYTHING:
      break;
    default:
      return errors::FieldMissing("scope", "SCOPE_ENDPOINT, SCOPE_PURPOSE or SCOPE_EVERYTHING");
  }
  return entry;
}

v1::ConsentEntry ToEntry(const LedgerRow& row) {
  v1::ConsentEntry entry;
  const auto& gate = row.gate();
  entry.set_name(gate.name());
  entry.set_record(gate.record());
  entry.set_kind(gate.kind());
  entry.set_scope(gate.scope());
  if (!gate.endpoint().empty()) entry.set_endpoint(EndpointName(gate.endpoint()));
  entry.set_channel(gate.channel());
  entry.set_purpose(gate.purpose());
  entry.set_event_time_us(gate.event_time_us());
  entry.set_create_time_us(row.create_time_us());
  entry.set_how(row.how());
  entry.set_wording(row.wording());
  entry.set_principal(row.principal());
  entry.set_opt_out(row.opt_out());
  entry.set_lifts(row.lifts());
  entry.set_message(row.message());
  entry.set_until_us(row.until_us());
  return entry;
}

absl::Status CheckPurpose(storage::Transaction& tx, const LedgerRow& entry) {
  const std::string& purpose = entry.gate().purpose();
  if (purpose.empty()) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const auto row, LoadPurpose(tx, purpose));
  if (!row) return errors::PurposeNotFound(purpose);
  const bool grant = entry.gate().kind() == type::v1::GRANTED;
  return grant && row->retire_time_us() != 0 ? errors::PurposeRetired(purpose) : absl::OkStatus();
}

}  // namespace

absl::Status ConsentService::Append(rpc::Call& call, storage::Transaction& tx, const std::string& person,
                                    LedgerRow entry, v1::ConsentEntry& response) {
  PHAROS_RETURN_IF_ERROR(CheckPurpose(tx, entry));
  PHAROS_ASSIGN_OR_RETURN(const std::optional<PersonRow> row, people_.Load(tx, person));
  if (!row) return errors::PersonNotFound(person);
  const int64_t now = clock_.WallMicros();
  const std::string id = base::NewId(now);
  auto& gate = *entry.mutable_gate();
  gate.set_name("consentEntries/" + id);
  gate.set_record(DirectRecordOfPerson(row->name()));
  gate.set_direct(true);
  record::v1::EndpointRow endpoint;  // where a START of this endpoint stands
  if (!gate.endpoint().empty()) {
    PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx, EndpointKey(gate.endpoint()), endpoint).status());
  }
  gate.set_event_time_us(EventTime(gate.event_time_us(), entry, *row, endpoint, now));
  // On all records linked now: after an unlink it applies to both sides until decided.
  entry.add_subjects(gate.record());
  for (const auto& record : row->records()) entry.add_subjects(record);
  entry.set_create_time_us(now);
  entry.set_principal(call.caller().principal);
  if (gate.kind() != type::v1::GRANTED) {
    record::v1::OptOutRow opt_out;
    opt_out.set_name("optOuts/" + id);
    opt_out.set_entry(gate.name());
    opt_out.set_endpoint(gate.endpoint());
    opt_out.set_durable_time_us(now);
    SaveOptOut(tx, opt_out);
    entry.set_opt_out(opt_out.name());
  }
  const ChangeMaker change = ChangesOf(call, now);
  tx.AppendChange(change(gate.name(), "entry.recorded", 0));
  PHAROS_RETURN_IF_ERROR(people_.AppendEntry(tx, entry, change));
  response = ToEntry(entry);
  return absl::OkStatus();
}

absl::Status ConsentService::WithdrawConsent(rpc::Call& call, const v1::WithdrawConsentRequest& request,
                                             v1::ConsentEntry& response) {
  const int64_t now = clock_.WallMicros();
  PHAROS_ASSIGN_OR_RETURN(const LedgerRow entry, EntryOf(request));
  PHAROS_RETURN_IF_ERROR(rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) { return Append(call, tx, request.person(), entry, response); }, now));
  std::vector<std::string> endpoints;
  if (!entry.gate().endpoint().empty()) endpoints.push_back(entry.gate().endpoint());
  return opt_outs_.AwaitPerson(request.person(), std::move(endpoints));
}

absl::Status ConsentService::GrantConsent(rpc::Call& call, const v1::GrantConsentRequest& request,
                                          v1::ConsentEntry& response) {
  const int64_t now = clock_.WallMicros();
  LedgerRow entry;
  auto& gate = *entry.mutable_gate();
  gate.set_kind(type::v1::GRANTED);
  gate.set_scope(type::v1::SCOPE_PURPOSE);
  gate.set_purpose(request.purpose());
  gate.set_channel(request.channel());
  gate.set_event_time_us(request.event_time_us());
  entry.set_how(request.how());
  entry.set_wording(request.wording());
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) { return Append(call, tx, request.person(), entry, response); }, now);
}

absl::Status ConsentService::ListConsentEntries(rpc::Call& call, const v1::ListConsentEntriesRequest& request,
                                                v1::ListConsentEntriesResponse& response) {
  const std::unique_ptr<storage::View> view = store_.Read();
  PHAROS_ASSIGN_OR_RETURN(const std::optional<PersonRow> person, people_.Load(*view, request.person()));
  if (!person) return errors::PersonNotFound(request.person());
  PHAROS_ASSIGN_OR_RETURN(const std::vector<LedgerRow> found, EntriesOf(*view, *person, kMostEntries));
  PHAROS_RETURN_IF_ERROR(
      rpc::AuditRead(call, store_, "consents.read", {person->name()}, clock_.WallMicros()));
  for (const auto& row : found) *response.add_entries() = ToEntry(row);
  return absl::OkStatus();
}

absl::Status ConsentService::ResolveOptOut(rpc::Call& call, const v1::ResolveOptOutRequest& request,
                                           v1::ConsentEntry& response) {
  const int64_t now = clock_.WallMicros();
  LedgerRow lifting;
  lifting.mutable_gate()->set_name("consentEntries/" + base::NewId(now));
  lifting.mutable_gate()->set_event_time_us(now);
  lifting.set_create_time_us(now);
  lifting.set_how(request.how());
  lifting.set_principal(call.caller().principal);
  // Nothing to wait for: it makes the gate less strict.
  return rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(
            const LedgerRow stored,
            LiftOptOut(tx, people_, request.entry(), request.person(), lifting, ChangesOf(call, now)));
        response = ToEntry(stored);
        return absl::OkStatus();
      },
      now);
}

absl::Status ConsentService::SetPersonFact(rpc::Call& call, const v1::SetPersonFactRequest& request,
                                           v1::SetPersonFactResponse& response) {
  if (request.fact() == v1::SetPersonFactRequest::FACT_UNSPECIFIED ||
      !v1::SetPersonFactRequest::Fact_IsValid(request.fact())) {
    return errors::FieldMissing("fact", "FACT_DECEASED, FACT_PAUSED or FACT_SENSITIVE");
  }
  const int64_t now = clock_.WallMicros();
  record::v1::FactRow fact;
  fact.set_fact(request.fact());
  fact.set_holds(request.holds());
  fact.set_how(request.how());
  fact.set_principal(call.caller().principal);
  fact.set_create_time_us(now);
  const std::string id = base::NewId(now);
  PHAROS_RETURN_IF_ERROR(rpc::Once(
      call, store_, request, response,
      [&](storage::Transaction& tx) -> absl::Status {
        PHAROS_ASSIGN_OR_RETURN(const std::optional<PersonRow> person, people_.Load(tx, request.person()));
        if (!person) return errors::PersonNotFound(request.person());
        const ChangeMaker change = ChangesOf(call, now);
        tx.AppendChange(change(person->name(), "person.factStated", person->version() + 1));
        PHAROS_RETURN_IF_ERROR(StateFact(tx, people_, *person, fact, id, change));
        if (request.holds() || request.fact() != v1::SetPersonFactRequest::FACT_PAUSED)
          return absl::OkStatus();
        LedgerRow lifting;  // a pause that the person asked for ends with it
        lifting.set_create_time_us(now);
        lifting.set_how(request.how());
        lifting.set_principal(call.caller().principal);
        return TakeBackPauses(tx, people_, *person, lifting, change);
      },
      now));
  // A person whose addresses are restricted may be written to all the same: the gate has not become stricter.
  const bool stricter = request.holds() && request.fact() != v1::SetPersonFactRequest::FACT_SENSITIVE;
  return stricter ? opt_outs_.AwaitPerson(request.person()) : absl::OkStatus();
}

}  // namespace pharos::customer
