#include "services/customer/source_cache.h"

#include "services/base/errors.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"

namespace pharos::customer {

absl::StatusOr<const record::v1::SourceRow*> SourceCache::Find(storage::Transaction& tx,
                                                               std::string_view source_id) {
  {
    base::MutexLock lock(mutex_);
    if (const auto it = rows_.find(source_id); it != rows_.end()) return it->second.get();
  }
  auto row = std::make_unique<record::v1::SourceRow>();
  const std::string key = storage::KeyWriter(kSource).String(source_id);
  PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(tx, key, *row));
  if (!found) return nullptr;  // not remembered: it may be registered later
  base::MutexLock lock(mutex_);
  return rows_.try_emplace(std::string(source_id), std::move(row)).first->second.get();
}

}  // namespace pharos::customer
