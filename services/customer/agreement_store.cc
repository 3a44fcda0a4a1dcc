#include "services/customer/agreement_store.h"

#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::customer {

using record::v1::AgreementRow;
using storage::KeyWriter;

namespace {

std::string AgreementKey(std::string_view name) {
  return KeyWriter(kAgreement).String(base::Segment(name, "agreements"));
}
std::string PrincipalPrefix(std::string_view principal) {
  return KeyWriter(kAgreementPrincipal).String(base::Segment(principal, "principals"));
}
std::string PrincipalKey(std::string_view principal, std::string_view agreement_id) {
  return KeyWriter(kAgreementPrincipal).String(base::Segment(principal, "principals")).String(agreement_id);
}

template <typename From>
absl::StatusOr<std::optional<AgreementRow>> LoadFrom(From& from, std::string_view name) {
  if (base::Segment(name, "agreements").empty()) return std::nullopt;
  AgreementRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, AgreementKey(name), row));
  if (!found) return std::nullopt;
  return row;
}

}  // namespace

absl::StatusOr<std::optional<AgreementRow>> LoadAgreement(const storage::Store& store,
                                                          std::string_view name) {
  return LoadFrom(store, name);
}
absl::StatusOr<std::optional<AgreementRow>> LoadAgreement(storage::Transaction& tx, std::string_view name) {
  return LoadFrom(tx, name);
}

void SaveAgreement(storage::Transaction& tx, const AgreementRow& row) {
  storage::PutRecord(tx, AgreementKey(row.name()), row);
  for (const auto& principal : row.principals()) {
    tx.Put(PrincipalKey(principal, base::Segment(row.name(), "agreements")), storage::Wrap({}));
  }
}

absl::StatusOr<std::vector<AgreementRow>> AgreementsOf(const storage::View& view, std::string_view principal,
                                                       std::string_view after, size_t most) {
  storage::KeyRange range = storage::PrefixRange(PrincipalPrefix(principal));
  if (!after.empty()) range.begin = PrincipalKey(principal, after) + '\0';
  std::vector<std::string> ids;
  PHAROS_RETURN_IF_ERROR(view.Scan(range, [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    reader.String();
    ids.push_back(reader.String());
    return ids.size() < most;
  }));
  std::vector<AgreementRow> rows;
  for (const auto& id : ids) {
    PHAROS_ASSIGN_OR_RETURN(auto row, LoadFrom(view, "agreements/" + id));
    if (row) rows.push_back(*std::move(row));
  }
  return rows;
}

std::string SyncCursorKey(std::string_view source) {
  return KeyWriter(kSyncCursor).String(base::Segment(source, "sources"));
}

}  // namespace pharos::customer
