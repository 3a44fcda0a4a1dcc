// Decides which transactions conflict: remembers which key was last written at which commit number, for the
// newest commits. Keys and guards are known by a 64-bit hash; two keys of one hash cost a needless retry,
// never a missed conflict. Used by the committer's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace pharos::storage::rocks {

using KeyHash = uint64_t;

class Resolver {
 public:
  // `remembered`: how many writes are kept. A transaction that began before the oldest of them counts as a
  // conflict.
  explicit Resolver(size_t remembered) : limit_(remembered) {}

  // True if something in `reads` was written by a commit after `start`.
  bool Conflicts(uint64_t start, const absl::flat_hash_set<KeyHash>& reads) const;
  // Notes what commit number `commit` writes. Numbers rise from call to call.
  void Record(uint64_t commit, const std::vector<KeyHash>& writes);

 private:
  void Forget();

  const size_t limit_;
  uint64_t floor_ = 0;  // commits up to this one may be forgotten
  uint64_t newest_ = 0;
  absl::flat_hash_map<KeyHash, uint64_t> last_;
  std::deque<std::pair<uint64_t, KeyHash>> order_;
};

}  // namespace pharos::storage::rocks
