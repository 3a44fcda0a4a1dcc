#include "storage/open.h"

#include "storage/rocksdb/open_rocksdb.h"
#include "storage/sql/open_sql.h"

namespace pharos::storage {

absl::StatusOr<std::unique_ptr<Store>> Open(const OpenOptions& options) {
  if (options.settings.engine == Engine::kSql && !options.in_memory) return sql::OpenSql(options);
  return rocks::OpenRocksDb(options);
}

}  // namespace pharos::storage
