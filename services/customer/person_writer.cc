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
  if (const auto it = records_.find(name); it != records_.end()) return &it->second;
  const auto id = ParseRecordName(name);
  if (!id) return nullptr;
  RecordRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx_, RecordKey(*id), row));
  if (!found) return nullptr;
  return &records_.emplace(name, std::move(row)).first->second;
}

absl::StatusOr<RecordRow*> PersonStore::Writer::OpenRecord(const std::string& name) {
  PHAROS_ASSIGN_OR_RETURN(RecordRow * row, Record(name));
  if (row == nullptr) return errors::RecordMissing(name);
  PHAROS_RETURN_IF_ERROR(store_.rows_.Open(*row));
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
  if (!members_.contains(row->person()) && !facts_of_.contains(row->person())) {
    PHAROS_ASSIGN_OR_RETURN(const PersonRow* person, Before(row->person()));
    facts_of_[row->person()] = {person->records().begin(), person->records().end()};
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
  EndpointRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx_, EndpointKey(entry.endpoint()), row));
  if (!follows && (!found || FindEntry(row.entries(), entry) == nullptr)) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(EndpointRow * changed, ChangeEndpoint(entry.endpoint()));
  AddEntry(*changed->mutable_entries(), entry);
  return absl::OkStatus();
}

void PersonStore::Writer::Save(const LedgerRow& entry) {
  storage::PutRecord(tx_, EntryKey(entry.gate().name()), entry);
  IndexEntry(tx_, entry);
}

absl::Status PersonStore::Writer::AppendTo(RecordRow& row, const LedgerRow& entry) {
  Save(entry);
  AddEntry(*row.mutable_entries(), entry.gate());
  return AddToEndpoint(entry.gate());
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

absl::Status PersonStore::Writer::MovePostings(const RecordId& id, const LinkFeatures* old_features,
                                               const LinkFeatures& features) {
  std::set<std::string> before, after;
  if (old_features != nullptr) {
    for (const auto& [use, value] : LinkKeys(*old_features)) before.insert(store_.PostingOf(use, value));
  }
  for (const auto& [use, value] : LinkKeys(features)) after.insert(store_.PostingOf(use, value));
  for (const auto& blind : before) {
    if (after.contains(blind)) continue;
    tx_.Delete(PostingKey(blind, id));
    tx_.Touch(PostingPrefix(blind));
  }
  for (const auto& blind : after) {
    if (before.contains(blind)) continue;
    tx_.Put(PostingKey(blind, id), storage::Wrap({}));
    tx_.Touch(PostingPrefix(blind));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::set<std::string>> PersonStore::Writer::Candidates(const LinkFeatures& features) {
  std::set<std::string> names;
  for (const auto& [use, value] : LinkKeys(features)) {
    const std::string prefix = PostingPrefix(store_.PostingOf(use, value));
    std::vector<std::string> found;
    PHAROS_RETURN_IF_ERROR(
        tx_.Scan(storage::PrefixRange(prefix), prefix, [&](std::string_view key, std::string_view) {
          storage::KeyReader reader(key);
          reader.Raw(prefix.size() - 1);
          const std::string source = reader.String();
          found.push_back(RecordName(source, reader.String()));
          return found.size() <= kMostRecordsPerKey;
        }));
    if (found.size() > kMostRecordsPerKey) {
      ++store_.links_withheld_;
      continue;
    }
    names.insert(found.begin(), found.end());
  }
  names.erase(features.record);
  return names;
}

absl::StatusOr<std::set<std::string>> PersonStore::Writer::PeopleToTouch(const LinkFeatures& features,
                                                                         const std::string& own_person) {
  std::set<std::string> touched;
  size_t size = 1;
  const auto touch = [&](const std::string& name) -> absl::Status {
    if (touched.contains(name)) return absl::OkStatus();
    PHAROS_ASSIGN_OR_RETURN(const PersonRow* person, Before(name));
    const size_t more = person->records_size();
    if (name != own_person && size + more > kMostRecordsPerPerson) {
      ++store_.links_withheld_;
      return absl::OkStatus();
    }
    size += more;
    touched.insert(name);
    return absl::OkStatus();
  };
  if (!own_person.empty()) PHAROS_RETURN_IF_ERROR(touch(own_person));
  PHAROS_ASSIGN_OR_RETURN(const std::set<std::string> candidates, Candidates(features));
  for (const auto& name : candidates) {
    PHAROS_ASSIGN_OR_RETURN(const RecordRow* candidate, OpenRecord(name));
    if (RuleFor(features, FeaturesOf(*candidate)) == LinkRule::kNone) continue;
    PHAROS_RETURN_IF_ERROR(touch(candidate->person()));
  }
  return touched;
}

absl::Status PersonStore::Writer::Relink(RecordRow row, const RecordRow* old) {
  const std::string name = row.name();
  const auto id = ParseRecordName(name);
  const LinkFeatures features = FeaturesOf(row);
  LinkFeatures old_features;
  if (old != nullptr) old_features = FeaturesOf(*old);
  PHAROS_RETURN_IF_ERROR(MovePostings(*id, old == nullptr ? nullptr : &old_features, features));
  if (old == nullptr) ++more_records_;
  const std::string own_person = row.person();
  records_[name] = std::move(row);
  dirty_records_.insert(name);
  PHAROS_ASSIGN_OR_RETURN(const std::set<std::string> touched, PeopleToTouch(features, own_person));
  std::set<std::string> names = {name};
  for (const auto& person : touched) {
    const auto& before = before_.at(person);
    names.insert(before.records().begin(), before.records().end());
  }
  std::vector<LinkFeatures> all;
  std::vector<std::string> erased;
  for (const auto& member : names) {
    PHAROS_ASSIGN_OR_RETURN(const RecordRow* record, OpenRecord(member));
    if (member != name && SealedRows::IsErased(*record)) {
      erased.push_back(member);
    } else {
      all.push_back(FeaturesOf(*record));
    }
  }
  PHAROS_RETURN_IF_ERROR(Regroup(all, touched));
  return KeepErased(erased);
}

absl::Status PersonStore::Writer::Regroup(const std::vector<LinkFeatures>& features,
                                          const std::set<std::string>& touched) {
  const Resolution resolution = Resolve(features);
  std::vector<std::string> ids = KeptIds(features, resolution.groups);
  std::map<std::string, std::string> person_of;  // record → person
  for (size_t at = 0; at < resolution.groups.size(); ++at) {
    if (ids[at].empty()) {
      ids[at] = "people/" + base::NewId(store_.clock_.WallMicros());
      before_[ids[at]];  // known to be new: nothing to read
    }
    auto& members = members_[ids[at]];
    members.clear();
    for (size_t position : resolution.groups[at]) {
      auto& row = records_.at(features[position].record);
      members.push_back(row.name());
      person_of[row.name()] = ids[at];
      if (row.person() == ids[at] && row.link_rule() == resolution.reasons[position]) continue;
      row.set_person(ids[at]);
      row.set_link_rule(resolution.reasons[position]);
      dirty_records_.insert(row.name());
    }
  }
  for (const auto& person : touched) {
    if (std::find(ids.begin(), ids.end(), person) != ids.end()) continue;
    const auto eldest = std::min_element(features.begin(), features.end(), [&](const auto& a, const auto& b) {
      return std::make_tuple(a.person != person, a.create_time_us, a.record) <
             std::make_tuple(b.person != person, b.create_time_us, b.record);
    });
    PHAROS_RETURN_IF_ERROR(EndPerson(person, person_of.at(eldest->record)));
  }
  return absl::OkStatus();
}

// A record that says nothing any more stays with the person that it belonged to: its withdrawals go on
// counting.
absl::Status PersonStore::Writer::KeepErased(const std::vector<std::string>& erased) {
  for (const auto& name : erased) {
    RecordRow& row = records_.at(name);
    const auto ended = ended_.find(row.person());
    const std::string person = ended == ended_.end() ? row.person() : ended->second;
    members_[person].push_back(name);
    if (row.person() == person) continue;
    row.set_person(person);
    dirty_records_.insert(name);
  }
  return absl::OkStatus();
}

// Old ids resolve for ever, and in one step: what pointed here points to the successor.
absl::Status PersonStore::Writer::EndPerson(const std::string& name, const std::string& successor) {
  PHAROS_ASSIGN_OR_RETURN(const PersonRow* person, Before(name));
  members_.erase(name);
  ended_[name] = successor;
  auto& absorbed = absorbed_[successor];
  absorbed.push_back(name);
  absorbed.insert(absorbed.end(), person->former_names().begin(), person->former_names().end());
  tx_.Put(AliasKey(name), storage::Wrap(base::Segment(successor, "people")));
  for (const auto& former : person->former_names()) {
    tx_.Put(AliasKey(former), storage::Wrap(base::Segment(successor, "people")));
  }
  tx_.Delete(PersonKey(name));
  PHAROS_RETURN_IF_ERROR(MoveEndpoints(name, *person, {}));
  written_people_.insert(name);
  Changed(name, person->version() + 1);
  --more_people_;
  return absl::OkStatus();
}

absl::Status PersonStore::Writer::MoveEndpoints(const std::string& person, const PersonRow& before,
                                                const PersonRow& after) {
  std::set<std::string> old_ones, new_ones;
  for (const auto& endpoint : before.endpoints()) old_ones.insert(endpoint.endpoint());
  for (const auto& endpoint : after.endpoints()) new_ones.insert(endpoint.endpoint());
  for (const auto& endpoint : old_ones) {
    if (new_ones.contains(endpoint)) continue;
    tx_.Delete(EndpointPersonKey(endpoint, person));
    tx_.Touch(EndpointPeoplePrefix(endpoint));
  }
  for (const auto& endpoint : new_ones) {
    if (old_ones.contains(endpoint)) continue;
    tx_.Put(EndpointPersonKey(endpoint, person), storage::Wrap({}));
    tx_.Touch(EndpointPeoplePrefix(endpoint));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<const RecordRow*>> PersonStore::Writer::RowsOf(
    const std::vector<std::string>& records) {
  std::vector<const RecordRow*> rows;
  for (const auto& record : records) {
    PHAROS_ASSIGN_OR_RETURN(const RecordRow* row, Record(record));
    if (row == nullptr) return errors::RecordMissing(record);
    rows.push_back(row);
  }
  return rows;
}

absl::Status PersonStore::Writer::DeriveFacts(const std::string& name) {
  if (members_.contains(name) || written_people_.contains(name)) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(const PersonRow* before, Before(name));
  PHAROS_ASSIGN_OR_RETURN(const std::vector<const RecordRow*> rows, RowsOf(facts_of_.at(name)));
  PersonRow person = *before;
  SetFacts(person, rows);
  person.set_version(before->version() + 1);
  const uint64_t version = person.version();
  SealedRows::Save(tx_, std::move(person));
  written_people_.insert(name);
  Changed(name, version);
  return absl::OkStatus();
}

absl::Status PersonStore::Writer::Derive(const std::string& name) {
  PHAROS_ASSIGN_OR_RETURN(const PersonRow* before, Before(name));
  PHAROS_ASSIGN_OR_RETURN(const std::vector<const RecordRow*> rows, RowsOf(members_.at(name)));
  absl::Status failed;
  PersonRow person = BuildPerson(
      name, rows,
      [&](std::string_view source) -> const record::v1::SourceRow* {
        auto row = store_.sources_.Find(tx_, source);
        if (!row.ok()) failed = row.status();
        return row.ok() ? *row : nullptr;
      },
      [&](type::v1::Channel channel, std::string_view address) {
        return store_.EndpointOf(channel, address);
      });
  PHAROS_RETURN_IF_ERROR(failed);
  for (const auto& former : absorbed_[name]) person.add_former_names(former);
  for (const auto& former : before->former_names()) person.add_former_names(former);
  person.set_version(before->version() + 1);
  if (before->version() == 0) ++more_people_;
  PHAROS_RETURN_IF_ERROR(MoveEndpoints(name, *before, person));
  const uint64_t version = person.version();
  PHAROS_RETURN_IF_ERROR(store_.rows_.Seal(person, rows));
  SealedRows::Save(tx_, std::move(person));
  written_people_.insert(name);
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

absl::Status PersonStore::Writer::CountPeople() {
  if (more_people_ == 0 && more_records_ == 0) return absl::OkStatus();
  record::v1::CountsRow counts;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(tx_, CountsKey(), counts).status());
  counts.set_people(counts.people() + more_people_);
  counts.set_records(counts.records() + more_records_);
  storage::PutRecord(tx_, CountsKey(), counts);
  return absl::OkStatus();
}

absl::Status PersonStore::Writer::Finish() {
  for (const auto& [name, members] : members_) PHAROS_RETURN_IF_ERROR(Derive(name));
  for (const auto& [name, members] : facts_of_) PHAROS_RETURN_IF_ERROR(DeriveFacts(name));
  for (const auto& name : dirty_records_) {
    SealedRows::Save(tx_, *ParseRecordName(name), std::move(records_.at(name)));
  }
  PHAROS_RETURN_IF_ERROR(TouchHolders());
  return CountPeople();
}

}  // namespace pharos::customer
