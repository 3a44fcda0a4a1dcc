#include "services/access/key_store.h"

#include <fmt/format.h>

#include "pharos/record/v1/access.pb.h"
#include "services/access/errors.h"
#include "services/access/signer.h"
#include "services/access/tables.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::access {
namespace {

using storage::KeyWriter;

constexpr size_t kKeyBytes = 32;
constexpr std::string_view kSigningLabel = "approval key";
constexpr std::string_view kCheckLabel = "check";
constexpr std::string_view kCheckText = "pharos access 1";

std::string RowKey(uint64_t id) {
  return KeyWriter(kDataKey).U64(id);
}
std::string CheckKey() {
  return KeyWriter(kKekCheck);
}
std::string Label(uint64_t id) {
  return fmt::format("data key {}", id);
}

// Somewhere at random, so that two key stores never give out the same ids: a store that was begun anew cannot
// answer for another.
uint64_t FirstId() {
  uint64_t id = 0;
  for (const char c : base::RandomBytes16().substr(0, 5)) id = id << 8 | static_cast<uint8_t>(c);
  return (uint64_t{1} << 40 | id) << 20;
}

}  // namespace

absl::StatusOr<std::vector<DataKey>> MakeKeys(storage::Transaction& tx, const Vault& vault, size_t count) {
  const std::string counter_key = KeyWriter(kKeyCounter);
  record::v1::KeyCounterRow counter;
  PHAROS_ASSIGN_OR_RETURN(const bool counted, storage::GetRecord(tx, counter_key, counter));
  if (!counted) counter.set_last(FirstId());
  std::vector<DataKey> keys;
  for (size_t i = 0; i < count; ++i) {
    DataKey key{counter.last() + 1, RandomBytes(kKeyBytes)};
    record::v1::DataKeyRow row;
    row.set_wrapped(vault.Wrap(key.bytes, Label(key.id)));
    storage::PutRecord(tx, RowKey(key.id), row);
    counter.set_last(key.id);
    keys.push_back(std::move(key));
  }
  storage::PutRecord(tx, counter_key, counter);
  return keys;
}

absl::StatusOr<DataKey> LoadKey(const storage::View& view, const Vault& vault, uint64_t id) {
  record::v1::DataKeyRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(view, RowKey(id), row));
  if (!found) return errors::KeyUnknown(id);
  if (row.destroyed()) return DataKey{id, ""};
  std::optional<std::string> bytes = vault.Unwrap(row.wrapped(), Label(id));
  if (!bytes.has_value() || bytes->size() != kKeyBytes) return errors::KeyDamaged(id);
  return DataKey{id, *std::move(bytes)};
}

absl::Status DestroyKey(storage::Transaction& tx, uint64_t id) {
  PHAROS_ASSIGN_OR_RETURN(const std::optional<std::string> known, tx.Get(RowKey(id)));
  if (!known) return absl::OkStatus();
  record::v1::DataKeyRow tombstone;
  tombstone.set_destroyed(true);
  storage::PutRecord(tx, RowKey(id), tombstone);
  return absl::OkStatus();
}

absl::StatusOr<bool> HasKekCheck(const storage::Store& store) {
  record::v1::DataKeyRow row;
  return storage::GetRecord(store, CheckKey(), row);
}

absl::StatusOr<bool> CheckKek(storage::Store& store, const Vault& vault) {
  bool right = false;
  PHAROS_RETURN_IF_ERROR(store.Transact([&](storage::Transaction& tx) -> absl::Status {
    record::v1::DataKeyRow row;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, CheckKey(), row));
    if (!found) {
      row.set_wrapped(vault.Wrap(kCheckText, kCheckLabel));
      storage::PutRecord(tx, CheckKey(), row);
    }
    right = vault.Unwrap(row.wrapped(), kCheckLabel) == kCheckText;
    return absl::OkStatus();
  }));
  return right;
}

absl::StatusOr<std::string> SigningSeed(storage::Store& store, const Vault& vault) {
  std::string seed;
  PHAROS_RETURN_IF_ERROR(store.Transact([&](storage::Transaction& tx) -> absl::Status {
    const std::string key = KeyWriter(kSigningKey);
    record::v1::SigningKeyRow row;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, key, row));
    if (!found) {
      const std::string fresh = RandomBytes(kKeyBytes);
      row.set_wrapped(vault.Wrap(fresh, kSigningLabel));
      row.set_public_key(Signer(fresh).public_key());
      storage::PutRecord(tx, key, row);
    }
    const std::optional<std::string> opened = vault.Unwrap(row.wrapped(), kSigningLabel);
    if (!opened.has_value() || opened->size() != kKeyBytes) return errors::KeyDamaged(0);
    seed = *opened;
    return absl::OkStatus();
  }));
  return seed;
}

}  // namespace pharos::access
