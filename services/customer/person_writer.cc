#include "services/customer/person_writer.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/entry_index.h"
#include "services/customer/errors.h"
#include "services/customer/golden.h"
#include "services/customer/sealed_rows.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::EndpointRow;
using record::v1::LedgerRow;
using record::v1::PersonRow;
using record::v1::RecordRow;
using type::v1::GateEntry;

absl::StatusOr<RecordRow*> PersonStore::Writer::Record(const std::string& name) {
  if (const auto it = records_.find(name); it != records_.end()) return it->second;
  const auto id = ParseRecordName(name);
  if (!id) return nullptr;
  RecordRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx_, RecordKey(*id), row));
  if (!found) return nullptr;
  RecordRow* kept = &(read_[name] = std::move(row));
  records_[name] = kept;
  return kept;
}

void PersonStore::Writer::Use(RecordRow& row) {
  records_[row.name()] = &row;
}

absl::StatusOr<RecordRow*> PersonStore::Writer::OpenRecord(const std::string& name) {
  PHAROS_ASSIGN_OR_RETURN(RecordRow * row, Record(name));
  if (row == nullptr) return errors::RecordMissing(name);
  if (!SealedRows::IsGone(*row)) PHAROS_RETURN_IF_ERROR(store_.rows_.Open(*row));
  return row;
}

absl::StatusOr<const PersonRow*> PersonStore::Writer::Before(const std::string& name) {
  if (const auto it = before_.find(name); it != before_.end()) return &it->second;
  PersonRow person;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx_, PersonKey(name), person).status());
  return &before_.emplace(name, std::move(person)).first->second;
}

absl::StatusOr<RecordRow*> PersonStore::Writer::Change(const std::string& record) {
  PHAROS_ASSIGN_OR_RETURN(RecordRow * row, Record(record));
  if (row == nullptr) return nullptr;
  dirty_records_.insert(record);
  const std::string& person = row->person();
  if (!person.empty() && !facts_of_.contains(person)) {
    PHAROS_ASSIGN_OR_RETURN(const PersonRow* before, Before(person));
    facts_of_[person] = {before->records().begin(), before->records().end()};
  }
  return row;
}

absl::StatusOr<EndpointRow*> PersonStore::Writer::ChangeEndpoint(const std::string& endpoint) {
  if (const auto it = endpoints_.find(endpoint); it != endpoints_.end()) return &it->second;
  EndpointRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx_, EndpointKey(endpoint), row));
  if (!found) row.Clear();
  return &endpoints_.emplace(endpoint, std::move(row)).first->second;
}

// Opt-outs follow the endpoint, whoever has it; a grant only overtakes what stands there under the same key.
absl::Status PersonStore::Writer::AddToEndpoint(const GateEntry& entry) {
  if (entry.endpoint().empty()) return absl::OkStatus();
  const bool follows = entry.kind() == type::v1::WITHDRAWN || entry.kind() == type::v1::OBJECTED_TO ||
                       entry.scope() == type::v1::SCOPE_ENDPOINT;
  if (!follows && !endpoints_.contains(entry.endpoint())) {
    EndpointRow row;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx_, EndpointKey(entry.endpoint()), row));
    if (!found || FindEntry(row.entries(), entry) == nullptr) return absl::OkStatus();
  }
  PHAROS_ASSIGN_OR_RETURN(EndpointRow * changed, ChangeEndpoint(entry.endpoint()));
  if (!follows && FindEntry(changed->entries(), entry) == nullptr) return absl::OkStatus();
  AddEntry(*changed->mutable_entries(), entry);
  return absl::OkStatus();
}

void PersonStore::Writer::Save(const LedgerRow& entry) {
  storage::PutRecord(tx_, EntryKey(entry.gate().name()), entry);
  IndexEntry(tx_, entry);
}

absl::Status PersonStore::Writer::Append(const LedgerRow& entry) {
  Save(entry);
  for (const auto& subject : entry.subjects()) {
    PHAROS_ASSIGN_OR_RETURN(RecordRow * row, Change(subject));
    // A record of the source "direct" exists in name only: what the person said hangs on the others.
    if (row != nullptr) AddEntry(*row->mutable_entries(), entry.gate());
  }
  return AddToEndpoint(entry.gate());
}

void PersonStore::Writer::SetMembers(const std::string& person, Membership membership) {
  written_people_.insert(person);
  members_.emplace_back(person, std::move(membership));
}

void PersonStore::Writer::NoteHistory(const std::string& person, const PersonRow& before,
                                      const std::string& cause) {
  record::v1::PersonHistoryRow history;
  *history.mutable_records() = before.records();
  history.set_cause(cause);
  storage::PutRecord(tx_, PersonHistoryKey(person, now_), history);
}

// Old ids resolve for ever: through the record that they were born with, to wherever it belongs.
absl::Status PersonStore::Writer::EndPerson(const std::string& name, const std::string& birth_record,
                                            const std::string& cause) {
  PHAROS_ASSIGN_OR_RETURN(const PersonRow* person, Before(name));
  written_people_.insert(name);
  tx_.Put(AliasKey(name), storage::Wrap(birth_record));
  tx_.Delete(PersonKey(name));
  MoveEndpoints(name, *person, {});
  NoteHistory(name, *person, cause);
  Changed(name, person->version() + 1);
  return absl::OkStatus();
}

void PersonStore::Writer::MoveEndpoints(const std::string& person, const PersonRow& before,
                                        const PersonRow& after) {
  const auto has = [](const PersonRow& row, const std::string& endpoint) {
    return std::any_of(row.endpoints().begin(), row.endpoints().end(),
                       [&](const auto& each) { return each.endpoint() == endpoint; });
  };
  for (const auto& endpoint : before.endpoints()) {
    if (has(after, endpoint.endpoint())) continue;
    tx_.Delete(EndpointPersonKey(endpoint.endpoint(), person));
    tx_.Touch(EndpointPeoplePrefix(endpoint.endpoint()));
  }
  for (const auto& endpoint : after.endpoints()) {
    if (has(before, endpoint.endpoint())) continue;
    tx_.Put(EndpointPersonKey(endpoint.endpoint(), person), storage::Wrap({}));
    tx_.Touch(EndpointPeoplePrefix(endpoint.endpoint()));
  }
}

absl::StatusOr<std::vector<const RecordRow*>> PersonStore::Writer::RowsOf(
    const std::vector<std::string>& records, bool open) {
  std::vector<const RecordRow*> rows;
  rows.reserve(records.size());
  for (const auto& record : records) {
    PHAROS_ASSIGN_OR_RETURN(const RecordRow* row, open ? OpenRecord(record) : Record(record));
    if (row == nullptr) return errors::RecordMissing(record);
    rows.push_back(row);
  }
  return rows;
}

absl::Status PersonStore::Writer::DeriveFacts(const std::string& name,
                                              const std::vector<std::string>& records) {
  if (!written_people_.insert(name).second) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const PersonRow* before, Before(name));
  if (before->version() == 0) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const std::vector<const RecordRow*> rows, RowsOf(records, false));
  PersonRow person = *before;
  SetFacts(person, rows);
  person.set_version(before->version() + 1);
  const uint64_t version = person.version();
  SealedRows::Save(tx_, std::move(person));
  Changed(name, version);
  return absl::OkStatus();
}

// Those gone say nothing of the person any more, but what was withdrawn there goes on counting.
absl::StatusOr<PersonRow> PersonStore::Writer::Build(const std::string& name,
                                                     const std::vector<const RecordRow*>& rows) {
  std::vector<const RecordRow*> speaking;
  for (const RecordRow* row : rows) {
    if (!SealedRows::IsGone(*row)) speaking.push_back(row);
  }
  PersonRow person;
  person.set_name(name);
  absl::Status failed;
  if (!speaking.empty()) {
    person = BuildPerson(
        name, speaking,
        [&](std::string_view source) -> const record::v1::SourceRow* {
          auto row = store_.sources_.Find(tx_, source);
          if (!row.ok()) failed = row.status();
          return row.ok() ? *row : nullptr;
        },
        [&](type::v1::Channel channel, std::string_view address) {
          return store_.EndpointOf(channel, address);
        });
  }
  PHAROS_RETURN_IF_ERROR(failed);
  PHAROS_RETURN_IF_ERROR(store_.rows_.Seal(person, speaking));
  SetFacts(person, rows);
  return person;
}

absl::Status PersonStore::Writer::Derive(const std::string& name, const Membership& membership) {
  PHAROS_ASSIGN_OR_RETURN(const PersonRow* before, Before(name));
  PHAROS_ASSIGN_OR_RETURN(const std::vector<const RecordRow*> rows, RowsOf(membership.records, true));
  PHAROS_ASSIGN_OR_RETURN(PersonRow person, Build(name, rows));
  for (const auto& former : membership.former_names) person.add_former_names(former);
  person.set_version(std::max(before->version() + 1, membership.version));
  MoveEndpoints(name, *before, person);
  const bool other_records = !std::equal(before->records().begin(), before->records().end(),
                                         person.records().begin(), person.records().end());
  if (before->version() == 0 ? membership.returns : other_records)
    NoteHistory(name, *before, membership.cause);
  const uint64_t version = person.version();
  SealedRows::Save(tx_, std::move(person));
  if (membership.change != nullptr) change_ = membership.change;
  Changed(name, version);
  return absl::OkStatus();
}

// Whoever else has a changed endpoint has new facts too.
absl::Status PersonStore::Writer::TouchHolders() {
  for (const auto& [endpoint, row] : endpoints_) {
    storage::PutRecord(tx_, EndpointKey(endpoint), row);
    PHAROS_ASSIGN_OR_RETURN(const std::vector<std::string> holders, store_.PeopleAt(tx_, endpoint));
    for (const auto& holder : holders) {
      if (!written_people_.insert(holder).second) continue;
      PersonRow person;
      PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx_, PersonKey(holder), person));
      if (!found) continue;
      person.set_version(person.version() + 1);
      const uint64_t version = person.version();
      SealedRows::Save(tx_, std::move(person));
      Changed(holder, version);
    }
  }
  return absl::OkStatus();
}

absl::Status PersonStore::Writer::SaveCounts() {
  if (more_people_ == 0 && more_records_ == 0) return absl::OkStatus();
  record::v1::CountsRow counts;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx_, CountsKey(), counts).status());
  counts.set_people(counts.people() + more_people_);
  counts.set_records(counts.records() + more_records_);
  storage::PutRecord(tx_, CountsKey(), counts);
  return absl::OkStatus();
}

absl::Status PersonStore::Writer::Finish() {
  for (const auto& [name, membership] : members_) PHAROS_RETURN_IF_ERROR(Derive(name, membership));
  for (const auto& [name, records] : facts_of_) PHAROS_RETURN_IF_ERROR(DeriveFacts(name, records));
  for (const auto& name : dirty_records_) {
    SealedRows::Save(tx_, RecordKey(*ParseRecordName(name)), *records_.at(name));
  }
  PHAROS_RETURN_IF_ERROR(TouchHolders());
  return SaveCounts();
}

}  // namespace pharos::customer
