#include "services/access/force_store.h"

#include <algorithm>

#include "services/access/tables.h"
#include "services/base/errors.h"
#include "services/policy/policy.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::access {
namespace {

std::string ForceKey() {
  return storage::KeyWriter(kForce);
}

template <typename From>
absl::StatusOr<record::v1::ForceRow> Load(From& from) {
  record::v1::ForceRow force;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, ForceKey(), force));
  if (!found || force.policy_version() == 0) force.set_policy_version(1);
  return force;
}

}  // namespace

absl::StatusOr<record::v1::ForceRow> LoadForce(storage::Transaction& tx) {
  return Load(tx);
}

absl::StatusOr<record::v1::ForceRow> LoadForce(const storage::View& view) {
  return Load(view);
}

void SaveForce(storage::Transaction& tx, record::v1::ForceRow force, int64_t now_us) {
  const uint64_t next = force.snapshot_version() + 1;
  force.set_snapshot_version(std::max(next, static_cast<uint64_t>(std::max<int64_t>(now_us, 0))));
  storage::PutRecord(tx, ForceKey(), force);
}

std::string PolicyText(const record::v1::ForceRow& force) {
  return force.policy().empty() ? std::string(policy::Policy::ShippedText()) : force.policy();
}

}  // namespace pharos::access
