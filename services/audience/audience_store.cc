#include "services/audience/audience_store.h"

#include <algorithm>

#include "services/audience/errors.h"
#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::audience {
namespace {

using record::v1::AudienceRow;
using storage::KeyWriter;

std::string IdOf(std::string_view name) {
  return base::Segment(name, "audiences");
}
std::string KeyOf(std::string_view id) {
  return KeyWriter(kAudience).String(id);
}
std::string VersionKey(const AudienceRow& row) {
  return KeyWriter(kAudienceVersion).String(IdOf(row.name())).U64(row.version());
}

// Rows of before there were versions are the first.
void ReadVersion(AudienceRow& row) {
  if (row.version() == 0) row.set_version(1);
}

template <typename From>
absl::StatusOr<AudienceRow> LoadFrom(From& from, std::string_view name) {
  AudienceRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(from, KeyOf(IdOf(name)), row));
  if (!found) return AudienceErrors::AudienceNotFound(name);
  ReadVersion(row);
  return row;
}

}  // namespace

absl::Status AudienceStore::Add(storage::Transaction& tx, const AudienceRow& row) const {
  const std::string key = KeyOf(IdOf(row.name()));
  AudienceRow there;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, key, there));
  if (found) return AudienceErrors::AudienceExists(row.name());
  storage::PutRecord(tx, key, row);
  storage::PutRecord(tx, VersionKey(row), row);
  return absl::OkStatus();
}

absl::StatusOr<AudienceRow> AudienceStore::Load(storage::Transaction& tx, std::string_view name) const {
  return LoadFrom(tx, name);
}

absl::StatusOr<AudienceRow> AudienceStore::Load(std::string_view name) const {
  return LoadFrom(store_, name);
}

void AudienceStore::Update(storage::Transaction& tx, const AudienceRow& before,
                           const AudienceRow& row) const {
  storage::PutRecord(tx, VersionKey(before), before);  // an older release did not write it
  storage::PutRecord(tx, VersionKey(row), row);
  storage::PutRecord(tx, KeyOf(IdOf(row.name())), row);
}

absl::StatusOr<std::vector<AudienceRow>> AudienceStore::List(std::string_view after, size_t most) const {
  std::vector<AudienceRow> rows;
  absl::Status damage;
  storage::KeyRange range = storage::PrefixRange(KeyWriter(kAudience).str());
  if (!after.empty()) range.begin = KeyOf(after) + '\0';  // the first key after it
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(range, [&](std::string_view, std::string_view value) {
    damage = storage::DecodeRecord(value, rows.emplace_back());
    ReadVersion(rows.back());
    return damage.ok() && rows.size() < most;
  }));
  PHAROS_RETURN_IF_ERROR(damage);
  return rows;
}

absl::StatusOr<std::vector<AudienceRow>> AudienceStore::Versions(std::string_view name) const {
  PHAROS_ASSIGN_OR_RETURN(const AudienceRow newest, Load(name));
  std::vector<AudienceRow> rows;
  absl::Status damage;
  const auto range = storage::PrefixRange(KeyWriter(kAudienceVersion).String(IdOf(name)).str());
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(range, [&](std::string_view, std::string_view value) {
    damage = storage::DecodeRecord(value, rows.emplace_back());
    return damage.ok();
  }));
  PHAROS_RETURN_IF_ERROR(damage);
  if (rows.empty()) rows.push_back(newest);
  std::reverse(rows.begin(), rows.end());
  return rows;
}

absl::StatusOr<std::string> AudienceStore::PseudonymSecret() const {
  record::v1::SecretRow row;
  const std::string key = KeyWriter(kSecret).String("pseudonyms");
  PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) -> absl::Status {
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, key, row));
    if (found) return absl::OkStatus();
    row.set_secret(base::RandomBytes16() + base::RandomBytes16());
    storage::PutRecord(tx, key, row);
    return absl::OkStatus();
  }));
  return row.secret();
}

}  // namespace pharos::audience
