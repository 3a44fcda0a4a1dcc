#include "services/customer/identity/partition.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace pharos::customer::identity {

namespace {

class Groups {
 public:
  Groups(const Component& component, absl::FunctionRef<Cross(uint32_t, uint32_t)> score)
      : component_(component),
        score_(score),
        parent_(component.size),
        members_(component.size),
        sides_(component.size),
        numbers_(component.size) {
    for (uint32_t at = 0; at < component.size; ++at) {
      parent_[at] = at;
      members_[at] = {at};
      if (!component.markers.empty()) {
        for (const auto& marker : component.markers[at]) sides_[at].emplace(marker.assertion, marker.side);
      }
      if (!component.numbers.empty())
        numbers_[at].insert(component.numbers[at].begin(), component.numbers[at].end());
    }
  }

  uint32_t Root(uint32_t at) {
    while (parent_[at] != at) at = parent_[at] = parent_[parent_[at]];
    return at;
  }

  void Join(uint32_t a, uint32_t b) {
    a = Root(a), b = Root(b);
    if (a == b) return;
    if (b < a) std::swap(a, b);
    parent_[b] = a;
    members_[a].insert(members_[a].end(), members_[b].begin(), members_[b].end());
    sides_[a].merge(sides_[b]);
    numbers_[a].merge(numbers_[b]);
    members_[b].clear();
  }

  bool MayJoin(uint32_t a, uint32_t b) {
    a = Root(a), b = Root(b);
    if (a == b) return false;
    if (Decided(a, b) || OtherNumber(a, b)) return false;
    const bool few = component_.size <= kMostScored || members_[a].size() * members_[b].size() <= kMostScored;
    return !few || Plausible(a, b);
  }

 private:
  // A person said that they are different.
  bool Decided(uint32_t a, uint32_t b) const {
    return std::any_of(sides_[a].begin(), sides_[a].end(), [&](const auto& own) {
      const auto other = sides_[b].find(own.first);
      return other != sides_[b].end() && other->second != own.second;
    });
  }

  bool OtherNumber(uint32_t a, uint32_t b) const {
    if (numbers_[a].empty() || numbers_[b].empty()) return false;
    return std::none_of(numbers_[a].begin(), numbers_[a].end(),
                        [&](std::string_view number) { return numbers_[b].contains(number); });
  }

  // No pair across speaks strongly against it, and on average they speak for it.
  bool Plausible(uint32_t a, uint32_t b) {
    int64_t sum = 0;
    for (uint32_t x : members_[a]) {
      for (uint32_t y : members_[b]) {
        const Cross cross = ScoreOf(std::min(x, y), std::max(x, y));
        if (cross.never || cross.weight < kLeastCross) return false;
        sum += cross.weight;
      }
    }
    return sum >= 0;
  }

  const Cross& ScoreOf(uint32_t a, uint32_t b) {
    const auto [it, fresh] = scores_.try_emplace({a, b});
    if (fresh) it->second = score_(a, b);
    return it->second;
  }

  const Component& component_;
  absl::FunctionRef<Cross(uint32_t, uint32_t)> score_;
  std::vector<uint32_t> parent_;
  std::vector<std::vector<uint32_t>> members_;
  std::vector<std::map<uint64_t, uint32_t>> sides_;
  std::vector<std::set<std::string_view>> numbers_;
  std::map<std::pair<uint32_t, uint32_t>, Cross> scores_;
};

}  // namespace

std::vector<uint32_t> Partition(const Component& component,
                                absl::FunctionRef<Cross(uint32_t, uint32_t)> score) {
  Groups groups(component, score);
  for (const auto& [a, b] : component.together) groups.Join(a, b);
  auto edges = component.edges;
  std::sort(edges.begin(), edges.end(), [](const auto& left, const auto& right) {
    return std::tie(right.weight, left.a, left.b) < std::tie(left.weight, right.a, right.b);
  });
  for (const auto& edge : edges) {
    if (groups.MayJoin(edge.a, edge.b)) groups.Join(edge.a, edge.b);
  }
  std::vector<uint32_t> group(component.size);
  for (uint32_t at = 0; at < component.size; ++at) group[at] = groups.Root(at);
  return group;
}

}  // namespace pharos::customer::identity
