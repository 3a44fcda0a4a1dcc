#include "storage/rocksdb/resources.h"

#include "rocksdb/env.h"

namespace pharos::storage {
namespace {

// For all stores of the process together. Flushes must not wait behind compactions, so they have threads of
// their own.
constexpr int kFlushThreads = 2, kCompactionThreads = 2;
constexpr size_t kWriteBufferBytes = 128u << 20;  // past it the fullest store flushes early

}  // namespace

Resources::Resources(size_t block_cache_bytes)
    : cache_(rocksdb::NewLRUCache(block_cache_bytes)),
      buffers_(std::make_shared<rocksdb::WriteBufferManager>(kWriteBufferBytes)) {
  rocksdb::Env* env = rocksdb::Env::Default();  // its pool is the process's
  env->SetBackgroundThreads(kFlushThreads, rocksdb::Env::HIGH);
  env->SetBackgroundThreads(kCompactionThreads, rocksdb::Env::LOW);
}

std::shared_ptr<Resources> MakeResources(size_t block_cache_bytes) {
  return std::make_shared<Resources>(block_cache_bytes);
}

}  // namespace pharos::storage
