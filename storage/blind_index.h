// Keyed blind index: HMAC-SHA-256 over (field, value), cut to 16 bytes. The same value under the same key
// gives the same index, and without the key nothing can be said about the value. Identifiers and blocking
// keys are only ever written to a key through this.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/store.h"

namespace pharos::storage {

class BlindIndex {
 public:
  // Reads the 32-byte key from `file`, or makes it (mode 0600, synced) if the file is missing. Refuses a file
  // others can read.
  static absl::StatusOr<std::unique_ptr<BlindIndex>> FromFile(const std::string& file);
  explicit BlindIndex(std::string key) : key_(std::move(key)) {}

  // `field` separates uses: "phone", "email", "nhs_number", "block:dob". 16 bytes.
  std::string Of(std::string_view field, std::string_view value) const;
  // Says which key this is without saying anything about it.
  std::string CheckValue() const { return Of("check", "pharos"); }

 private:
  std::string key_;
};

// That this store's keys were made with this index key: the first time notes it in the store, later compares.
// FAILED_PRECONDITION (BLIND_KEY_CHANGED): with another key nobody in the store would be found, and every
// opt-out would be missed.
absl::Status CheckBlindKey(Store& store, const BlindIndex& blind);

}  // namespace pharos::storage
