// Opens a store of the configured engine. The only place that knows which engines there are.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/store.h"

namespace pharos::storage {

// What all stores of one process share: one block cache, one pool of background threads, one budget for write
// buffers.
class Resources;
std::shared_ptr<Resources> MakeResources(size_t block_cache_bytes);

enum class Engine {
  kRocksDb,  // a folder
  kSql,      // a schema in a PostgreSQL-wire database
};

// The same for all stores of a process.
struct Settings {
  Engine engine = Engine::kRocksDb;
  std::string sql;                       // kSql: libpq connection string
  std::string witness_folder;            // where commit witnesses stand (storage/witness.h); empty = none
  std::shared_ptr<Resources> resources;  // nullptr = the store's own
};

struct OpenOptions {
  std::string folder;                    // made if missing (mode 0700)
  std::string name;                      // for messages, the schema of kSql, and the witness: "customer"
  uint32_t format = 1;                   // of the service's records; a store with a newer one refuses to open
  uint32_t oldest_format = 0;            // a store with an older one refuses to open
  size_t block_cache_bytes = 64u << 20;  // if there are no shared resources
  bool in_memory = false;                // for tests: an in-memory file system
  Settings settings;
};

// FAILED_PRECONDITION STORE_IN_USE (another process has it: says which), STORE_FORMAT_NEWER,
// STORE_ROLLED_BACK; DATA_LOSS STORE_DAMAGED; UNAVAILABLE STORE_AWAY (kSql: the database does not answer).
absl::StatusOr<std::unique_ptr<Store>> Open(const OpenOptions& options);

}  // namespace pharos::storage
