#include "services/customer/opt_out_store.h"

#include <fmt/format.h>

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/keys.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"

namespace pharos::customer {
namespace {

constexpr std::string_view kForPerson = "for-";

std::string OptOutKey(std::string_view id) {
  return storage::KeyWriter(kOptOut).String(id).str();
}
std::string ReplyKey(std::string_view reply_id) {
  return storage::KeyWriter(kReply).String(reply_id).str();
}

template <typename Row>
absl::StatusOr<std::optional<Row>> LoadRow(storage::Transaction& tx, const std::string& key) {
  Row row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, key, row));
  if (!found) return std::nullopt;
  return row;
}

}  // namespace

std::string DirectRecordOfEndpoint(std::string_view endpoint) {
  return RecordName("direct", "endpoint-" + base::ToHex(endpoint));
}

std::string DirectRecordOfPerson(std::string_view person) {
  return RecordName("direct", std::string(kForPerson) + base::Segment(person, "people"));
}

std::string PersonOfDirectRecord(std::string_view record) {
  const auto id = ParseRecordName(record);
  if (!id || id->source != "direct" || id->record.rfind(kForPerson, 0) != 0) return {};
  return "people/" + id->record.substr(kForPerson.size());
}

std::string EndpointName(std::string_view endpoint) {
  return "endpoints/" + base::ToHex(endpoint);
}

std::string EndpointOfName(std::string_view name) {
  std::string endpoint = base::FromHex(base::Segment(name, "endpoints"));
  return endpoint.size() == 16 ? endpoint : "";
}

absl::StatusOr<std::optional<record::v1::OptOutRow>> LoadOptOut(storage::Transaction& tx,
                                                                std::string_view name) {
  return LoadRow<record::v1::OptOutRow>(tx, OptOutKey(base::Segment(name, "optOuts")));
}

void SaveOptOut(storage::Transaction& tx, const record::v1::OptOutRow& row) {
  storage::PutRecord(tx, OptOutKey(base::Segment(row.name(), "optOuts")), row);
}

absl::StatusOr<std::optional<record::v1::OptOutRow>> LoadReply(storage::Transaction& tx,
                                                               std::string_view reply_id) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> value, tx.Get(ReplyKey(reply_id)));
  if (!value) return std::nullopt;
  PHAROS_ASSIGN_OR_RETURN(const std::string_view id, storage::Unwrap(*value));
  return LoadRow<record::v1::OptOutRow>(tx, OptOutKey(id));
}

void SaveReply(storage::Transaction& tx, std::string_view reply_id, const record::v1::OptOutRow& row) {
  tx.Put(ReplyKey(reply_id), storage::Wrap(base::Segment(row.name(), "optOuts")));
}

absl::StatusOr<std::optional<record::v1::LedgerRow>> LoadEntry(storage::Transaction& tx,
                                                               std::string_view name) {
  return LoadRow<record::v1::LedgerRow>(tx, EntryKey(name));
}

}  // namespace pharos::customer
