// The data keys of source records, one each: a ring whose source (access) is known only once the service has
// been started, and keys for new records, taken before a transaction begins. RecordKeys is thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/seal.h"

namespace pharos::customer {

class RecordKeys {
 public:
  // `seal` false: nothing is sealed (key id 0).
  explicit RecordKeys(bool seal);
  ~RecordKeys();

  // From now on keys come from `access`; until then every call for one is UNAVAILABLE (ACCESS_AWAY).
  void Bind(std::unique_ptr<storage::KeySource> access);

  storage::KeyRing& ring() { return ring_; }
  // How often keys had to be fetched: while it stands still, the ring has all that is asked for.
  uint64_t fetches() const;

 private:
  class LateSource;
  explicit RecordKeys(std::unique_ptr<LateSource> source);

  LateSource* const source_;  // the ring's; nullptr: nothing is sealed
  storage::KeyRing ring_;
};

// Keys for records that a transaction may find to be new. Reserved before it begins, as a round trip has no
// place inside; a body that runs again gets the same keys again. Used by one thread.
class FreshKeys {
 public:
  explicit FreshKeys(storage::KeyRing& ring) : ring_(ring) {}

  // Has `count` keys ready.
  absl::Status Reserve(size_t count);
  // The body begins, perhaps anew.
  void Rewind() { taken_ = 0; }
  // Of the reserve, past it of the ring.
  absl::StatusOr<storage::DataKey> Take();
  // The transaction is committed: what was taken is used.
  void Commit();

 private:
  storage::KeyRing& ring_;
  std::vector<storage::DataKey> keys_;
  size_t taken_ = 0;
};

}  // namespace pharos::customer
