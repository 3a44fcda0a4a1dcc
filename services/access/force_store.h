// What is in force: the mode, the policy, the number of the snapshot.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "pharos/record/v1/access.pb.h"
#include "storage/store.h"

namespace pharos::access {

// Trial, and the policy that ships, if nothing was ever decided.
absl::StatusOr<record::v1::ForceRow> LoadForce(storage::Transaction& tx);
absl::StatusOr<record::v1::ForceRow> LoadForce(const storage::View& view);
// Writes it with the next snapshot version. The version is at least the time in microseconds, so that it
// rises even if the store was lost or an older one was restored: otherwise the other processes would not
// believe it.
void SaveForce(storage::Transaction& tx, record::v1::ForceRow force, int64_t now_us);

// The policy file in force.
std::string PolicyText(const record::v1::ForceRow& force);

}  // namespace pharos::access
