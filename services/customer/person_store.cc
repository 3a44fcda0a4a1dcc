#include "services/customer/person_store.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/golden.h"
#include "services/customer/keys.h"
#include "services/customer/linking.h"
#include "services/customer/person_writer.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::EndpointRow;
using record::v1::LedgerRow;
using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

// Aliases are rewritten when their target ends, so one step is the rule; the bound is against a damaged
// store.
constexpr int kMostAliasSteps = 8;

template <typename From>
absl::StatusOr<std::optional<PersonRow>> LoadFrom(From& from, std::string_view name) {
  std::string current(name);
  for (int step = 0; step < kMostAliasSteps; ++step) {
    if (base::Segment(current, "people").empty()) return std::nullopt;
    PersonRow person;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, PersonKey(current), person));
    if (found) return person;
    PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> alias, from.Get(AliasKey(current)));
    if (!alias) return std::nullopt;
    PHAROS_ASSIGN_OR_RETURN(const std::string_view target, storage::Unwrap(*alias));
    current = "people/" + std::string(target);
  }
  return std::nullopt;
}

storage::Visitor CollectPeople(std::vector<std::string>& people, size_t raw_length) {
  return [&people, raw_length](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.Raw(raw_length);
    people.push_back("people/" + reader.String());
    return true;
  };
}

bool SameContent(const RecordRow& a, const RecordRow& b) {
  if (a.update_time_us() != b.update_time_us() || a.fields_size() != b.fields_size()) return false;
  return std::all_of(a.fields().begin(), a.fields().end(), [&](const auto& field) {
    const auto it = b.fields().find(field.first);
    return it != b.fields().end() && it->second == field.second;
  });
}

// What is known of a record's versions.
struct Versions {
  uint64_t last = 0;
  bool known = false;  // this content is one of them
};

absl::StatusOr<Versions> LookAtVersions(storage::Transaction& tx, const SealedRows& rows, const RecordId& id,
                                        const RecordRow& current, const RecordRow& row) {
  Versions versions{current.version(), SameContent(current, row)};
  if (versions.known) return versions;
  // Late arrivals stand after the current version.
  while (true) {
    RecordRow other;
    PHAROS_ASSIGN_OR_RETURN(const bool found,
                            storage::GetRecord(tx, RecordVersionKey(id, versions.last + 1), other));
    if (!found) break;
    PHAROS_RETURN_IF_ERROR(rows.OpenVersion(other));
    ++versions.last;
    versions.known = versions.known || SameContent(other, row);
  }
  for (uint64_t back = 1;
       !versions.known && back < PersonStore::kVersionsCompared && back < current.version(); ++back) {
    RecordRow other;
    PHAROS_ASSIGN_OR_RETURN(const bool found,
                            storage::GetRecord(tx, RecordVersionKey(id, current.version() - back), other));
    PHAROS_RETURN_IF_ERROR(rows.OpenVersion(other));
    versions.known = found && SameContent(other, row);
  }
  return versions;
}

// The version as received: what is derived from it stands in the current row only.
void PutVersion(storage::Transaction& tx, const SealedRows& rows, const RecordId& id, const RecordRow& row,
                uint64_t version, const storage::DataKey& key, int64_t now) {
  RecordRow received;
  received.set_name(row.name());
  received.set_version(version);
  received.set_update_time_us(row.update_time_us());
  received.set_create_time_us(now);
  *received.mutable_fields() = row.fields();
  rows.SealVersion(received, key);
  received.clear_fields();
  storage::PutRecord(tx, RecordVersionKey(id, version), received);
}

// Entries that say something new. For content that is known already, what has been overtaken since is not new
// either.
std::vector<LedgerRow> NewEntries(const RecordRow& current, std::vector<LedgerRow> entries,
                                  bool known_content) {
  std::erase_if(entries, [&](const LedgerRow& entry) {
    const auto* known = FindEntry(current.entries(), entry.gate());
    if (known == nullptr) return false;
    if (known->event_time_us() == entry.gate().event_time_us() && known->kind() == entry.gate().kind())
      return true;
    return known_content && known->event_time_us() >= entry.gate().event_time_us();
  });
  return entries;
}

// What a record's new content meets.
struct Standing {
  bool exists = false;
  Versions versions;
  storage::DataKey key;  // id 0: it has none yet
};

absl::StatusOr<Standing> LookAt(storage::Transaction& tx, const SealedRows& rows, const RecordId& id,
                                const RecordRow& row, RecordRow& current) {
  Standing standing;
  PHAROS_ASSIGN_OR_RETURN(standing.exists, storage::GetRecord(tx, RecordKey(id), current));
  if (!standing.exists) return standing;
  const absl::StatusOr<storage::DataKey> key = rows.KeyOf(current);
  if (base::ReasonOf(key.status()) == "KEY_DESTROYED") {
    standing.versions = {current.version(), true};  // erased: nothing is stored of it again
    return standing;
  }
  PHAROS_RETURN_IF_ERROR(key.status());
  standing.key = *key;
  PHAROS_RETURN_IF_ERROR(rows.Open(current));
  PHAROS_ASSIGN_OR_RETURN(standing.versions, LookAtVersions(tx, rows, id, current, row));
  return standing;
}

}  // namespace

PersonStore::PersonStore(storage::Store& store, const storage::BlindIndex& blind, base::Clock* clock,
                         RecordKeys* keys)
    : store_(store),
      blind_(blind),
      clock_(clock == nullptr ? base::Clock::System() : *clock),
      no_keys_(keys == nullptr ? std::make_unique<RecordKeys>(false) : nullptr),
      rows_(keys == nullptr ? *no_keys_ : *keys) {}

absl::StatusOr<std::optional<RecordRow>> PersonStore::LoadRecord(const storage::View& view,
                                                                 std::string_view name) const {
  const auto id = ParseRecordName(name);
  if (!id) return std::nullopt;
  RecordRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view, RecordKey(*id), row));
  if (!found) return std::nullopt;
  return row;
}

absl::StatusOr<std::optional<PersonRow>> PersonStore::Load(const storage::View& view,
                                                           std::string_view name) const {
  return LoadFrom(view, name);
}

absl::StatusOr<std::optional<PersonRow>> PersonStore::Load(storage::Transaction& tx,
                                                           std::string_view name) const {
  return LoadFrom(tx, name);
}

absl::StatusOr<EndpointRow> PersonStore::LoadEndpoint(const storage::View& view,
                                                      std::string_view endpoint) const {
  EndpointRow row;
  PHAROS_RETURN_IF_ERROR(storage::GetRecord(view, EndpointKey(endpoint), row).status());
  return row;
}

absl::StatusOr<std::vector<std::string>> PersonStore::PeopleAt(const storage::View& view,
                                                               std::string_view endpoint) const {
  std::vector<std::string> people;
  PHAROS_RETURN_IF_ERROR(view.Scan(storage::PrefixRange(EndpointPeoplePrefix(endpoint)),
                                   CollectPeople(people, endpoint.size())));
  return people;
}

absl::StatusOr<std::vector<std::string>> PersonStore::PeopleAt(storage::Transaction& tx,
                                                               std::string_view endpoint) const {
  std::vector<std::string> people;
  const std::string prefix = EndpointPeoplePrefix(endpoint);
  PHAROS_RETURN_IF_ERROR(
      tx.Scan(storage::PrefixRange(prefix), prefix, CollectPeople(people, endpoint.size())));
  return people;
}

absl::StatusOr<type::v1::GateFacts> PersonStore::FactsOf(const storage::View& view,
                                                         const PersonRow& person) const {
  type::v1::GateFacts facts;
  facts.set_deceased(person.deceased());
  facts.set_paused(person.paused());
  *facts.mutable_entries() = person.entries();
  for (const auto& endpoint : person.endpoints()) {
    if (endpoint.channel() == type::v1::CHANNEL_UNSPECIFIED) continue;
    PHAROS_ASSIGN_OR_RETURN(EndpointRow row, LoadEndpoint(view, endpoint.endpoint()));
    auto* fact = facts.add_endpoints();
    fact->set_endpoint(endpoint.endpoint());
    fact->set_channel(endpoint.channel());
    fact->set_suppressed(row.suppressed());
    fact->mutable_entries()->Swap(row.mutable_entries());
  }
  return facts;
}

// The record as it stands, those that its linking keys find, and everybody linked with any of them.
absl::Status PersonStore::Neighbours(const storage::View& view, const RecordRow& row,
                                     std::set<std::string>& records) const {
  std::set<std::string> found = {row.name()};
  for (const auto& [use, value] : LinkKeys(FeaturesOf(row))) {
    const std::string prefix = PostingPrefix(PostingOf(use, value));
    size_t count = 0;
    PHAROS_RETURN_IF_ERROR(
        view.Scan(storage::PrefixRange(prefix), [&](std::string_view key, std::string_view) {
          storage::KeyReader reader(key);
          reader.Raw(prefix.size() - 1);
          const std::string source = reader.String();
          found.insert(RecordName(source, reader.String()));
          return ++count <= kMostRecordsPerKey;
        }));
  }
  for (const auto& name : found) {
    if (!records.insert(name).second) continue;
    PHAROS_ASSIGN_OR_RETURN(const std::optional<RecordRow> record, LoadRecord(view, name));
    if (!record) continue;
    PHAROS_ASSIGN_OR_RETURN(const std::optional<PersonRow> person, Load(view, record->person()));
    if (person) records.insert(person->records().begin(), person->records().end());
  }
  return absl::OkStatus();
}

absl::Status PersonStore::FetchKeysFor(std::span<const RecordRow* const> rows) const {
  if (!rows_.seals()) return absl::OkStatus();
  const std::unique_ptr<storage::View> view = store_.Read();
  std::set<std::string> names;
  for (const RecordRow* row : rows) PHAROS_RETURN_IF_ERROR(Neighbours(*view, *row, names));
  std::vector<RecordRow> records;
  for (const auto& name : names) {
    PHAROS_ASSIGN_OR_RETURN(std::optional<RecordRow> record, LoadRecord(*view, name));
    if (record) records.push_back(*std::move(record));
  }
  return rows_.Prefetch(records);
}

absl::StatusOr<bool> PersonStore::PutRecordVersion(storage::Transaction& tx, RecordRow row,
                                                   std::vector<LedgerRow> entries, const ChangeMaker& change,
                                                   FreshKeys* fresh) const {
  const auto id = ParseRecordName(row.name());
  if (!id) return absl::InternalError("a record without a name");
  RecordRow current;
  PHAROS_ASSIGN_OR_RETURN(auto standing, LookAt(tx, rows_, *id, row, current));
  auto& [exists, versions, key] = standing;
  if (exists) {
    entries = NewEntries(current, std::move(entries), versions.known);
    if (versions.known && entries.empty()) return false;
  }
  const int64_t now = clock_.WallMicros();
  if (!versions.known) {
    if (key.id == 0) {
      PHAROS_ASSIGN_OR_RETURN(key, rows_.NewKey(fresh));
      if (exists) {  // from before sealing began: its key stands in the current row, whatever that is
        rows_.Seal(current, key);
        SealedRows::Save(tx, *id, current);
      }
    }
    PutVersion(tx, rows_, *id, row, versions.last + 1, key, now);
  }
  Writer writer(*this, tx, change);
  if (exists && (versions.known || row.update_time_us() < current.update_time_us())) {
    // The current version stays; consent in the row counts all the same.
    if (entries.empty()) return true;
    for (const auto& entry : entries) PHAROS_RETURN_IF_ERROR(writer.Append(entry));
    PHAROS_RETURN_IF_ERROR(writer.Finish());
    return true;
  }
  row.set_version(versions.last + 1);
  row.set_create_time_us(exists ? current.create_time_us() : now);
  row.set_person(current.person());
  row.set_link_rule(current.link_rule());
  row.set_deceased(current.deceased());
  row.set_paused(current.paused());
  *row.mutable_entries() = current.entries();
  rows_.Seal(row, key);
  for (const auto& entry : entries) PHAROS_RETURN_IF_ERROR(writer.AppendTo(row, entry));
  PHAROS_RETURN_IF_ERROR(writer.Relink(std::move(row), exists ? &current : nullptr));
  PHAROS_RETURN_IF_ERROR(writer.Finish());
  return true;
}

absl::Status PersonStore::AppendEntry(storage::Transaction& tx, const LedgerRow& entry,
                                      const ChangeMaker& change) const {
  Writer writer(*this, tx, change);
  PHAROS_RETURN_IF_ERROR(writer.Append(entry));
  return writer.Finish();
}

absl::Status PersonStore::SetDeceased(storage::Transaction& tx, const PersonRow& person, bool holds,
                                      const ChangeMaker& change) const {
  Writer writer(*this, tx, change);
  for (const auto& record : person.records()) {
    PHAROS_ASSIGN_OR_RETURN(RecordRow * row, writer.Change(record));
    if (row != nullptr) row->set_deceased(holds);
  }
  return writer.Finish();
}

absl::Status PersonStore::SetPaused(storage::Transaction& tx, const PersonRow& person, bool holds,
                                    const ChangeMaker& change) const {
  Writer writer(*this, tx, change);
  for (const auto& record : person.records()) {
    PHAROS_ASSIGN_OR_RETURN(RecordRow * row, writer.Change(record));
    if (row != nullptr) row->set_paused(holds);
  }
  return writer.Finish();
}

absl::Status PersonStore::Suppress(storage::Transaction& tx, std::string_view endpoint,
                                   type::v1::SuppressionReason reason, const ChangeMaker& change) const {
  Writer writer(*this, tx, change);
  PHAROS_ASSIGN_OR_RETURN(EndpointRow * row, writer.ChangeEndpoint(std::string(endpoint)));
  if (row->suppressed() == type::v1::ERASED) return absl::OkStatus();  // the strongest: it never comes back
  row->set_suppressed(reason);
  return writer.Finish();
}

std::string PersonStore::EndpointOf(type::v1::Channel channel, std::string_view clean_address) const {
  return blind_.Of(channel == type::v1::CHANNEL_EMAIL ? "email" : "phone", clean_address);
}

}  // namespace pharos::customer
