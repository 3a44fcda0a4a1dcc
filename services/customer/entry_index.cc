#include "services/customer/entry_index.h"

#include <algorithm>
#include <optional>
#include <set>

#include "services/base/errors.h"
#include "services/customer/keys.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::LedgerRow;

namespace {

constexpr size_t kMostInTransaction = 2000;  // far below the limit of a transaction

// Entry ids below a prefix, which has `skip` more in front of them.
template <typename Skip>
absl::Status CollectIds(const storage::View& view, const std::string& prefix, const Skip& skip,
                        std::set<std::string>& ids) {
  return view.Scan(storage::PrefixRange(prefix), [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    skip(reader);
    ids.insert(reader.String());
    return true;
  });
}

// The next entries of the ledger after `last` (an entry id, empty at the start), which is moved on.
absl::StatusOr<std::vector<LedgerRow>> NextEntries(const storage::View& view, std::string& last) {
  storage::KeyRange range = storage::PrefixRange(storage::KeyWriter(kEntry).str());
  if (!last.empty()) range.begin = storage::KeyWriter(kEntry).String(last).str() + '\0';
  std::vector<LedgerRow> entries;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(view.Scan(range, [&](std::string_view key, std::string_view value) {
    damaged = storage::DecodeRecord(value, entries.emplace_back());
    last = storage::KeyReader(key).String();
    return damaged.ok() && entries.size() < kMostInTransaction;
  }));
  PHAROS_RETURN_IF_ERROR(damaged);
  return entries;
}

}  // namespace

void IndexEntry(storage::Transaction& tx, const LedgerRow& entry) {
  const auto& gate = entry.gate();
  if (!gate.endpoint().empty()) tx.Put(EndpointEntryKey(gate.endpoint(), gate.name()), storage::Wrap({}));
  for (const auto& subject : entry.subjects()) {
    if (const auto id = ParseRecordName(subject)) tx.Put(RecordEntryKey(*id, gate.name()), storage::Wrap({}));
  }
}

absl::Status IndexOldEntries(storage::Store& store) {
  const std::string done = storage::KeyWriter(kEntriesIndexed).str();
  PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> marker, store.Get(done));
  if (marker) return absl::OkStatus();
  const std::unique_ptr<storage::View> view = store.Read();
  std::string last;
  bool more = true;
  while (more) {
    PHAROS_ASSIGN_OR_RETURN(const std::vector<LedgerRow> entries, NextEntries(*view, last));
    more = entries.size() == kMostInTransaction;
    PHAROS_RETURN_IF_ERROR(store.Transact([&](storage::Transaction& tx) {
      for (const auto& entry : entries) IndexEntry(tx, entry);
      if (!more) tx.Put(done, storage::Wrap({}));
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LedgerRow>> EntriesOf(const storage::View& view,
                                                 const record::v1::PersonRow& person, size_t most) {
  std::set<std::string> ids;  // in order of time, as ids are
  for (const auto& record : person.records()) {
    const auto id = ParseRecordName(record);
    if (!id) continue;
    const auto skip = [](storage::KeyReader& reader) { reader.String(), reader.String(); };
    PHAROS_RETURN_IF_ERROR(CollectIds(view, RecordEntriesPrefix(*id), skip, ids));
  }
  for (const auto& endpoint : person.endpoints()) {
    const size_t length = endpoint.endpoint().size();
    const auto skip = [length](storage::KeyReader& reader) { reader.Raw(length); };
    PHAROS_RETURN_IF_ERROR(CollectIds(view, EndpointEntriesPrefix(endpoint.endpoint()), skip, ids));
  }
  std::vector<LedgerRow> entries;
  for (const auto& id : ids) {
    if (entries.size() == most) break;
    LedgerRow row;
    PHAROS_ASSIGN_OR_RETURN(const bool found,
                            storage::GetRecord(view, EntryKey("consentEntries/" + id), row));
    if (found) entries.push_back(std::move(row));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const LedgerRow& a, const LedgerRow& b) {
    return a.create_time_us() < b.create_time_us();
  });
  return entries;
}

}  // namespace pharos::customer
