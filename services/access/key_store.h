// Data keys on disk, wrapped under the key-encryption key; the key that approvals are signed with; the check
// of the key-encryption key itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/access/vault.h"
#include "storage/store.h"

namespace pharos::access {

struct DataKey {
  uint64_t id = 0;
  std::string bytes;  // 32; empty = destroyed or unknown
};

// `count` new keys with the next ids. An id is never given out twice, also not after its key was destroyed.
absl::StatusOr<std::vector<DataKey>> MakeKeys(storage::Transaction& tx, const Vault& vault, size_t count);
// DATA_LOSS (KEY_DAMAGED).
absl::StatusOr<DataKey> LoadKey(const storage::View& view, const Vault& vault, uint64_t id);
// Deletes the row. The wrapped bytes may lie in older table files until the engine has compacted them; they
// open only under the key-encryption key, and neither is in any data backup.
absl::Status DestroyKey(storage::Transaction& tx, uint64_t id);

// True if keys in this store are wrapped under some key-encryption key already.
absl::StatusOr<bool> HasKekCheck(const storage::Store& store);
// Writes the check at the first start; false if what is there was written under another key-encryption key.
absl::StatusOr<bool> CheckKek(storage::Store& store, const Vault& vault);

// Ed25519 seed; made at the first start. DATA_LOSS (KEY_DAMAGED).
absl::StatusOr<std::string> SigningSeed(storage::Store& store, const Vault& vault);

}  // namespace pharos::access
