#include "services/customer/erasure.h"

#include <algorithm>
#include <optional>
#include <set>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/assertion_store.h"
#include "services/customer/entry_index.h"
#include "services/customer/errors.h"
#include "services/customer/facts.h"
#include "services/customer/keys.h"
#include "services/customer/opt_out_store.h"
#include "services/customer/person_writer.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::AssertionRow;
using record::v1::ErasureRow;
using record::v1::LedgerRow;
using record::v1::PersonRow;

namespace {

constexpr int kMostRounds = 16;  // records that come while we erase: a feed that sends them faster is broken
constexpr size_t kMostWords = 100'000;  // entries and decisions of one person
constexpr std::string_view kDirectRecords = "sources/direct/records/";

bool Holds(const std::vector<std::string>& sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

std::vector<std::string> SortedRecords(const PersonRow& person) {
  std::vector<std::string> records(person.records().begin(), person.records().end());
  std::sort(records.begin(), records.end());
  return records;
}

// Rows without their words, as found outside the transaction: rows of the ledger never change otherwise, and
// of a decision only by being taken back, which is looked at again inside.
struct Words {
  std::vector<LedgerRow> entries;
  std::vector<std::pair<std::string, record::v1::FactRow>> facts;  // key, row
  std::vector<std::string> decisions;
};

absl::StatusOr<Words> WordsAbout(const storage::View& view, const PersonRow& person) {
  Words words;
  const std::vector<std::string> records = SortedRecords(person);
  PHAROS_ASSIGN_OR_RETURN(std::vector<LedgerRow> entries, EntriesOf(view, person, kMostWords));
  for (auto& entry : entries) {
    if (IsAboutOnly(entry, records)) words.entries.push_back(std::move(entry));
  }
  for (const auto& record : records) {
    const auto id = ParseRecordName(record);
    PHAROS_ASSIGN_OR_RETURN(const auto facts, FactsStatedOf(view, *id));
    for (const auto& fact : facts) words.facts.emplace_back(RecordFactKey(*id, fact.id), fact.row);
  }
  PHAROS_ASSIGN_OR_RETURN(const auto decisions, AssertionsAbout(view, records, kMostWords));
  for (const auto& decision : decisions) {
    bool alone = true;
    for (const auto& side : decision.sides()) {
      alone = alone && std::all_of(side.records().begin(), side.records().end(),
                                   [&](const auto& record) { return Holds(records, record); });
    }
    if (alone) words.decisions.push_back(decision.name());
  }
  return words;
}

absl::Status TakeWordsAway(storage::Transaction& tx, const Words& words) {
  for (LedgerRow entry : words.entries) {
    entry.clear_how();
    entry.clear_wording();
    storage::PutRecord(tx, EntryKey(entry.gate().name()), entry);
  }
  for (auto [key, fact] : words.facts) {
    fact.clear_how();
    storage::PutRecord(tx, key, fact);
  }
  for (const auto& decision : words.decisions) {
    AssertionRow row;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, AssertionKey(decision), row));
    if (!found) continue;
    row.clear_reason();
    row.clear_revoke_reason();
    storage::PutRecord(tx, AssertionKey(decision), row);
  }
  return absl::OkStatus();
}

absl::Status SuppressAll(storage::Transaction& tx, const PersonStore& people, const PersonRow& person,
                         const ChangeMaker& change) {
  PersonStore::Writer writer(people, tx, change);
  for (const auto& endpoint : person.endpoints()) {
    PHAROS_ASSIGN_OR_RETURN(record::v1::EndpointRow * row, writer.ChangeEndpoint(endpoint.endpoint()));
    if (row->suppressed() == type::v1::ERASED) continue;
    row->set_suppressed(type::v1::ERASED);
    tx.AppendChange(change(EndpointName(endpoint.endpoint()), "endpoint.suppressed", 0));
  }
  return writer.Finish();
}

// The first commit of a round.
absl::Status Begin(storage::Store& store, const PersonStore& people, const PersonRow& person,
                   ErasureRow erasure, const ChangeMaker& change) {
  PHAROS_ASSIGN_OR_RETURN(const Words words, WordsAbout(*store.Read(), person));
  *erasure.mutable_records() = person.records();
  for (const auto& endpoint : person.endpoints()) erasure.add_endpoints(endpoint.endpoint());
  const std::string key = ErasureKey(person.name(), base::NewId(erasure.create_time_us()));
  return store.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_RETURN_IF_ERROR(TakeWordsAway(tx, words));
    PHAROS_RETURN_IF_ERROR(SuppressAll(tx, people, person, change));
    storage::PutRecord(tx, key, erasure);
    tx.AppendChange(change(person.name(), "person.erasing", 0));
    return absl::OkStatus();
  });
}

absl::Status EraseRecords(Linker& linker, const PersonRow& person, const ChangeMaker& change,
                          Erased& erased) {
  std::vector<RecordChange> changes;
  for (const auto& record : person.records()) {
    RecordChange& one = changes.emplace_back();
    one.kind = RecordChange::kErase;
    one.row.set_name(record);
  }
  PHAROS_ASSIGN_OR_RETURN(const std::vector<RecordResult> results, linker.Apply(changes, change, {}));
  for (size_t at = 0; at < results.size(); ++at) {
    if (results[at].outcome == RecordOutcome::kRefused) return results[at].status;
    if (results[at].outcome != RecordOutcome::kDeleted) continue;
    erased.records.push_back(person.records(static_cast<int>(at)));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsAboutOnly(const LedgerRow& entry, const std::vector<std::string>& records) {
  bool any = false;
  for (const auto& subject : entry.subjects()) {
    if (subject.starts_with(kDirectRecords)) continue;  // a name only
    if (!std::binary_search(records.begin(), records.end(), subject)) return false;
    any = true;
  }
  return any;
}

absl::StatusOr<Erased> ErasePerson(storage::Store& store, const PersonStore& people, Linker& linker,
                                   const std::string& person, const ErasureRow& erasure,
                                   const ChangeMaker& change) {
  Erased erased;
  std::set<std::string> endpoints;
  for (int round = 0; round < kMostRounds; ++round) {
    PHAROS_ASSIGN_OR_RETURN(const std::optional<PersonRow> row, people.Load(*store.Read(), person));
    if (!row) return errors::PersonNotFound(person);
    erased.person = row->name();
    if (row->erased()) {
      erased.endpoints.assign(endpoints.begin(), endpoints.end());
      return erased;
    }
    for (const auto& endpoint : row->endpoints()) endpoints.insert(endpoint.endpoint());
    PHAROS_RETURN_IF_ERROR(Begin(store, people, *row, erasure, change));
    PHAROS_RETURN_IF_ERROR(EraseRecords(linker, *row, change, erased));
  }
  return errors::ErasureUnfinished(person);
}

}  // namespace pharos::customer
