// People and what hangs on them: the one place that writes person, record, endpoint and entry rows, so that
// they always agree. Every function that changes a person appends a change ("person.changed", people/…) for
// each person whose facts change. Records come and go, and links move, through services/customer/linker.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/base/clock.h"
#include "services/customer/sealed_rows.h"
#include "services/customer/source_cache.h"
#include "storage/blind_index.h"
#include "storage/store.h"

namespace pharos::customer {

// Who makes a change and through what, for the change log. rpc::ChangeBy / ChangeByLoop encode it.
using ChangeMaker =
    std::function<std::string(std::string_view resource, std::string_view kind, uint64_t version)>;

class PersonStore {
 public:
  // `clock` gives arrival times; nullptr: the system's. `keys` seal personal values; nullptr: they lie clear.
  // One PersonStore serves all threads.
  PersonStore(storage::Store& store, const storage::BlindIndex& blind, base::Clock* clock = nullptr,
              RecordKeys* keys = nullptr);

  // Reads. `name` is "people/…", perhaps a former id: the answer is the person it belongs to now, closed
  // (without fields and addresses: see Open). nullopt: no such person.
  absl::StatusOr<std::optional<record::v1::PersonRow>> Load(const storage::View& view,
                                                            std::string_view name) const;
  absl::StatusOr<std::optional<record::v1::PersonRow>> Load(storage::Transaction& tx,
                                                            std::string_view name) const;
  // A source record, closed. nullopt: there is none.
  absl::StatusOr<std::optional<record::v1::RecordRow>> LoadRecord(const storage::View& view,
                                                                  std::string_view name) const;
  // Fills in fields and addresses, with one call for all keys that are not at hand. What an erased record
  // gave stays away. UNAVAILABLE while access, which keeps the keys, is away.
  absl::Status Open(std::span<record::v1::PersonRow> people) const { return rows_.Open(people); }
  absl::Status Open(std::span<record::v1::RecordRow> records) const { return rows_.Open(records); }
  absl::StatusOr<record::v1::EndpointRow> LoadEndpoint(const storage::View& view,
                                                       std::string_view endpoint) const;
  // People who have an endpoint now, "people/…".
  absl::StatusOr<std::vector<std::string>> PeopleAt(const storage::View& view,
                                                    std::string_view endpoint) const;
  absl::StatusOr<std::vector<std::string>> PeopleAt(storage::Transaction& tx,
                                                    std::string_view endpoint) const;
  // What the gate looks at: the person row joined with its endpoints' rows. Landlines (no channel) are left
  // out.
  absl::StatusOr<type::v1::GateFacts> FactsOf(const storage::View& view,
                                              const record::v1::PersonRow& person) const;

  RecordKeys& keys() const { return rows_.keys(); }

  // Appends a ledger entry (entry.gate.name is set): writes the ledger, every subject record, their people
  // and the endpoint, and the changes.
  absl::Status AppendEntry(storage::Transaction& tx, const record::v1::LedgerRow& entry,
                           const ChangeMaker& change) const;
  // Facts about a person, stated on all its records.
  absl::Status SetDeceased(storage::Transaction& tx, const record::v1::PersonRow& person, bool holds,
                           const ChangeMaker& change) const;
  absl::Status SetPaused(storage::Transaction& tx, const record::v1::PersonRow& person, bool holds,
                         const ChangeMaker& change) const;
  // Suppresses an endpoint, whoever has it now or later.
  absl::Status Suppress(storage::Transaction& tx, std::string_view endpoint,
                        type::v1::SuppressionReason reason, const ChangeMaker& change) const;

  // Blind index of a cleaned address: 16 bytes.
  std::string EndpointOf(type::v1::Channel channel, std::string_view clean_address) const;
  // Blind index of a linking key ("link:nhs_number", …): where its postings stand.
  std::string PostingOf(std::string_view use, std::string_view value) const { return blind_.Of(use, value); }

  // How records and people lie on disk, for the linker.
  const SealedRows& rows() const { return rows_; }
  class Writer;  // one change of people inside a transaction: person_writer.h

 private:
  storage::Store& store_;
  const storage::BlindIndex& blind_;
  base::Clock& clock_;
  const std::unique_ptr<RecordKeys> no_keys_;  // where none were given
  const SealedRows rows_;
  mutable SourceCache sources_;
};

}  // namespace pharos::customer
