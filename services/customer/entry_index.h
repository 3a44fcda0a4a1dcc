// Which ledger entries speak of a record or an endpoint.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "storage/store.h"

namespace pharos::customer {

// With every entry that is written.
void IndexEntry(storage::Transaction& tx, const record::v1::LedgerRow& entry);
// Once at the start: indexes the ledger of a store from before there was an index.
absl::Status IndexOldEntries(storage::Store& store);
// The entries of a person: of its records and its endpoints, each once, oldest first, at most `most`.
absl::StatusOr<std::vector<record::v1::LedgerRow>> EntriesOf(const storage::View& view,
                                                             const record::v1::PersonRow& person,
                                                             size_t most);

}  // namespace pharos::customer
