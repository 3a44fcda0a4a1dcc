#include "storage/open.h"

#include "storage/rocksdb/open_rocksdb.h"

namespace pharos::storage {

absl::StatusOr<std::unique_ptr<Store>> Open(const OpenOptions& options) {
  return rocks::OpenRocksDb(options);
}

}  // namespace pharos::storage
