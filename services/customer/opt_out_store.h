// Rows of opt-outs, and names of the records of our own source `direct`. Keys: tables.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pharos/record/v1/customer.pb.h"
#include "storage/store.h"

namespace pharos::customer {

// A record of `direct` exists in name only: the entries that a person gave us under it hang on the person's
// other records and on the endpoint, so that it needs no row and is never linked or counted. What is said
// from one endpoint (16 bytes), whoever says it:
std::string DirectRecordOfEndpoint(std::string_view endpoint);
// What one person ("people/…") told us:
std::string DirectRecordOfPerson(std::string_view person);
// And back; "" if the name has another shape.
std::string PersonOfDirectRecord(std::string_view record);

// "endpoints/{32 hex digits}" of 16 bytes and back; "" if the name has another shape.
std::string EndpointName(std::string_view endpoint);
std::string EndpointOfName(std::string_view name);

// nullopt: no such opt-out; `name` is "optOuts/…".
absl::StatusOr<std::optional<record::v1::OptOutRow>> LoadOptOut(storage::Transaction& tx,
                                                                std::string_view name);
void SaveOptOut(storage::Transaction& tx, const record::v1::OptOutRow& row);
// The opt-out that a reply made; nullopt: the reply is new.
absl::StatusOr<std::optional<record::v1::OptOutRow>> LoadReply(storage::Transaction& tx,
                                                               std::string_view reply_id);
void SaveReply(storage::Transaction& tx, std::string_view reply_id, const record::v1::OptOutRow& row);
// nullopt: no such entry; `name` is "consentEntries/…".
absl::StatusOr<std::optional<record::v1::LedgerRow>> LoadEntry(storage::Transaction& tx,
                                                               std::string_view name);

}  // namespace pharos::customer
