#include "services/customer/purpose_store.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/customer/keys.h"
#include "storage/envelope.h"

namespace pharos::customer {

using record::v1::PurposeRow;

namespace {

template <typename From>
absl::StatusOr<std::optional<PurposeRow>> LoadAt(From& from, const std::string& key) {
  PurposeRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, key, row));
  if (!found) return std::nullopt;
  row.set_version(std::max<uint64_t>(row.version(), 1));
  return row;
}

}  // namespace

absl::StatusOr<std::optional<PurposeRow>> LoadPurpose(const storage::View& view, std::string_view name) {
  return LoadAt(view, PurposeKey(name));
}
absl::StatusOr<std::optional<PurposeRow>> LoadPurpose(storage::Transaction& tx, std::string_view name) {
  return LoadAt(tx, PurposeKey(name));
}
absl::StatusOr<std::optional<PurposeRow>> LoadPurpose(const storage::Store& store, std::string_view name) {
  return LoadAt(store, PurposeKey(name));
}

absl::StatusOr<std::optional<PurposeRow>> LoadPurposeVersion(const storage::View& view, std::string_view name,
                                                             uint64_t version) {
  PHAROS_ASSIGN_OR_RETURN(std::optional<PurposeRow> current, LoadPurpose(view, name));
  if (!current || current->version() == version) return current;
  return LoadAt(view, PurposeVersionKey(name, version));
}

void SavePurpose(storage::Transaction& tx, const PurposeRow* before, const PurposeRow& row) {
  if (before != nullptr) storage::PutRecord(tx, PurposeVersionKey(row.name(), before->version()), *before);
  storage::PutRecord(tx, PurposeKey(row.name()), row);
}

gate::Purpose GatePurpose(const PurposeRow& row) {
  return {row.name(), row.purpose_class(), row.lawful_basis()};
}

}  // namespace pharos::customer
