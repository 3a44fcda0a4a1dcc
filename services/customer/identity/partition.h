// Which records of one component are one person. A pure function of the component's content, whatever the
// order in which it came.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace pharos::customer::identity {

// Records are numbered by their place in the order of keys.
struct Component {
  struct Edge {
    uint32_t a = 0, b = 0;  // a < b
    int32_t weight = 0;
  };
  // Never joined with a member that has another side of the same decision.
  struct Marker {
    uint64_t assertion = 0;
    uint32_t side = 0;
  };
  uint32_t size = 0;
  std::vector<std::pair<uint32_t, uint32_t>> together;  // a person said so
  std::vector<Edge> edges;                              // strong enough to link
  std::vector<std::vector<Marker>> markers;             // by member; may be empty for none
  std::vector<std::vector<std::string_view>> numbers;   // NHS numbers by member
};
// What a pair adds to the doubt or the trust in joining two groups.
struct Cross {
  int32_t weight = 0;  // without the prior
  bool never = false;
};
// In a component of more members, two groups with more pairs across than this are joined on their edges
// alone.
constexpr uint32_t kMostScored = 64;
// A single pair below this keeps two groups apart; 1/1024 bit.
constexpr int32_t kLeastCross = -12 * 1024;

// Group of each member: the number of its first member.
std::vector<uint32_t> Partition(const Component& component,
                                absl::FunctionRef<Cross(uint32_t a, uint32_t b)> score);

}  // namespace pharos::customer::identity
