// What would change under another model: two partitions of the same records compared. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "services/customer/identity/link_index.h"

namespace pharos::customer {

// Every group of an index, as it stood.
struct Partition {
  std::vector<std::vector<identity::RecordNo>> groups;
  int64_t reviews = 0;
};
Partition PartitionOf(const identity::LinkIndex& index);

struct PartitionDiff {
  int64_t linked = 0;  // groups of `now` of which a record would be with another group's
  int64_t split = 0;   // groups of `now` whose records would not be together
  // Groups of `then` that join records of several of `now`; groups of `now` that fall apart. In the order of
  // the partitions.
  std::vector<std::vector<identity::RecordNo>> linked_samples, split_samples;
};
// Records that only one of them has (they came or went meanwhile) count for nothing.
PartitionDiff Compare(const Partition& now, const Partition& then, size_t most_samples);

}  // namespace pharos::customer
