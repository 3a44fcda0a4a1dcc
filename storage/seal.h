// Sealing: AES-256-GCM under a data key, in the envelope (storage/envelope.h) whose key id names it.
//   sealed payload := nonce(12) ciphertext tag(16); associated data = what the value is and where it stands,
//   so that a sealed value moved elsewhere does not open.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "services/base/mutex.h"

namespace pharos::storage {

struct DataKey {
  uint64_t id = 0;    // never 0, never used twice
  std::string bytes;  // 32; empty = destroyed
};

// Where keys live (the access service). Calls may take a network round trip. Thread-safe.
class KeySource {
 public:
  virtual ~KeySource() = default;
  // New keys, durable there before they are given.
  virtual absl::StatusOr<std::vector<DataKey>> Create(size_t count) = 0;
  // In the order asked.
  virtual absl::StatusOr<std::vector<DataKey>> Fetch(const std::vector<uint64_t>& ids) = 0;
};

// A bounded cache of keys, and a stock of fresh ones. No lock is held across a call to the source.
// Thread-safe.
class KeyRing {
 public:
  // nullptr: nothing is sealed (key id 0), and what is sealed does not open.
  explicit KeyRing(std::unique_ptr<KeySource> source, size_t capacity = kCapacity);

  bool seals() const { return source_ != nullptr; }
  // A key that nothing is sealed under yet. Id 0 if this ring does not seal.
  absl::StatusOr<DataKey> Fresh();
  // FAILED_PRECONDITION (KEY_DESTROYED): the record was erased; the source's status if it is away.
  absl::StatusOr<DataKey> Get(uint64_t id);
  // Brings all of them into the cache with one call for those that are missing. Destroyed ones are no error
  // here.
  absl::Status Prefetch(const std::vector<uint64_t>& ids);
  // Out of the cache: the key is destroyed.
  void Forget(uint64_t id);

  static constexpr size_t kCapacity = 400'000;  // about 50 MB
  static constexpr size_t kFreshBatch = 1024;   // fresh keys asked for at once
  static constexpr size_t kFetchBatch = 4096;   // keys fetched at once

 private:
  struct Impl;
  std::unique_ptr<KeySource> source_;
  std::shared_ptr<Impl> impl_;
};

// An envelope round `payload`, sealed under `key`; key id 0 leaves it clear.
std::string Seal(const DataKey& key, std::string_view payload, std::string_view associated);
// The payload. DATA_LOSS (STORE_VALUE_DAMAGED) if it was changed or stands in the wrong place; the ring's
// status if it has no key.
absl::StatusOr<std::string> Unseal(KeyRing& ring, std::string_view envelope, std::string_view associated);
// The key id in an envelope; 0 = clear. DATA_LOSS if it is not an envelope.
absl::StatusOr<uint64_t> KeyIdOf(std::string_view envelope);

}  // namespace pharos::storage
