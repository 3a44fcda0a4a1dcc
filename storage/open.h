// Opens a store of the configured engine. The only place that knows which engines there are.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/store.h"

namespace pharos::storage {

struct OpenOptions {
  std::string folder;   // made if missing (mode 0700)
  std::string name;     // for messages: "customer"
  uint32_t format = 1;  // of the service's records; a store with a newer one refuses to open
  size_t block_cache_bytes = 64u << 20;
  bool in_memory = false;  // for tests: an in-memory file system
};

// FAILED_PRECONDITION STORE_IN_USE (another process has it: says which), STORE_FORMAT_NEWER; DATA_LOSS
// STORE_DAMAGED.
absl::StatusOr<std::unique_ptr<Store>> Open(const OpenOptions& options);

}  // namespace pharos::storage
