#include "services/audience/audience_store.h"

#include "services/audience/errors.h"
#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::audience {
namespace {

std::string KeyOf(std::string_view id) {
  return storage::KeyWriter(kAudience).String(id);
}

}  // namespace

absl::Status AudienceStore::Add(storage::Transaction& tx, const record::v1::AudienceRow& row) const {
  const std::string key = KeyOf(base::Segment(row.name(), "audiences"));
  record::v1::AudienceRow there;
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, key, there));
  if (found) return AudienceErrors::AudienceExists(row.name());
  storage::PutRecord(tx, key, row);
  return absl::OkStatus();
}

absl::StatusOr<record::v1::AudienceRow> AudienceStore::Load(std::string_view name) const {
  record::v1::AudienceRow row;
  PHAROS_ASSIGN_OR_RETURN(const bool found,
                          storage::GetRecord(store_, KeyOf(base::Segment(name, "audiences")), row));
  if (!found) return AudienceErrors::AudienceNotFound(name);
  return row;
}

absl::StatusOr<std::vector<record::v1::AudienceRow>> AudienceStore::List(std::string_view after,
                                                                         size_t most) const {
  std::vector<record::v1::AudienceRow> rows;
  absl::Status damage;
  storage::KeyRange range = storage::PrefixRange(storage::KeyWriter(kAudience).str());
  if (!after.empty()) range.begin = KeyOf(after) + '\0';  // the first key after it
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(range, [&](std::string_view, std::string_view value) {
    damage = storage::DecodeRecord(value, rows.emplace_back());
    return damage.ok() && rows.size() < most;
  }));
  PHAROS_RETURN_IF_ERROR(damage);
  return rows;
}

}  // namespace pharos::audience
