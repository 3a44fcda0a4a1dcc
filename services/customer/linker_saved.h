// The linker's memory in a file, so that a start need not read every record: pieces sealed under a data key
// of their own (a new one for every saving; clear where nothing is sealed), each bound to its place. A file
// that is not whole, or not of this model, is not used. Derived data: what is erased goes out of it by
// removing it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/customer/identity/link_index.h"
#include "services/customer/linker_registry.h"
#include "storage/seal.h"

namespace pharos::customer {

struct SavedIndex {
  std::unique_ptr<identity::LinkIndex> index;
  std::map<uint64_t, std::string> assertions;
  uint64_t position = 0;  // of the change log, up to which it holds
};

// Whole or not at all; durable on return. `key`: fresh from the ring.
absl::Status SaveIndex(const std::string& folder, storage::DataKey key, const identity::LinkIndex& index,
                       const Registry& registry, const std::map<uint64_t, std::string>& assertions,
                       uint64_t position);
// `registry` is empty before. NOT_FOUND: there is none; DATA_LOSS or FAILED_PRECONDITION: it is of no use;
// UNAVAILABLE: its key is not to be had now.
absl::StatusOr<SavedIndex> LoadSaved(const std::string& folder, storage::KeyRing& ring,
                                     const std::shared_ptr<const identity::Model>& model, Registry& registry);
void DropSavedIndex(const std::string& folder);

}  // namespace pharos::customer
