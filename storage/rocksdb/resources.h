// What the RocksDB stores of one process share: a block cache, a budget for write buffers, and the pool of
// background threads.
#pragma once

#include <memory>

#include "rocksdb/cache.h"
#include "rocksdb/write_buffer_manager.h"
#include "storage/open.h"

namespace pharos::storage {

// Thread-safe; outlives the stores that use it.
class Resources {
 public:
  explicit Resources(size_t block_cache_bytes);

  const std::shared_ptr<rocksdb::Cache>& cache() const { return cache_; }
  const std::shared_ptr<rocksdb::WriteBufferManager>& buffers() const { return buffers_; }

 private:
  const std::shared_ptr<rocksdb::Cache> cache_;
  const std::shared_ptr<rocksdb::WriteBufferManager> buffers_;
};

}  // namespace pharos::storage
