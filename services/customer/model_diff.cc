#include "services/customer/model_diff.h"

#include <algorithm>
#include <unordered_map>

namespace pharos::customer {

using identity::RecordNo;

namespace {

using Of = std::unordered_map<RecordNo, size_t>;  // record → place of its group

Of PlacesIn(const Partition& partition) {
  Of places;
  for (size_t at = 0; at < partition.groups.size(); ++at) {
    for (const RecordNo record : partition.groups[at]) places[record] = at;
  }
  return places;
}

// The groups of the other partition that a group's records stand in, each once.
std::vector<size_t> Across(const std::vector<RecordNo>& group, const Of& other) {
  std::vector<size_t> places;
  for (const RecordNo record : group) {
    const auto it = other.find(record);
    if (it != other.end()) places.push_back(it->second);
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

}  // namespace

Partition PartitionOf(const identity::LinkIndex& index) {
  Partition partition;
  index.ForEachGroup([&](const identity::Group& group) {
    auto& records = partition.groups.emplace_back();
    for (const auto& member : group) records.push_back(member.record);
  });
  partition.reviews = static_cast<int64_t>(index.stats().reviews);
  return partition;
}

PartitionDiff Compare(const Partition& now, const Partition& then, size_t most_samples) {
  const Of now_of = PlacesIn(now), then_of = PlacesIn(then);
  PartitionDiff diff;
  std::vector<bool> linked(now.groups.size(), false);
  for (const auto& group : then.groups) {
    const auto people = Across(group, now_of);
    if (people.size() < 2) continue;
    for (const size_t person : people) linked[person] = true;
    if (diff.linked_samples.size() < most_samples) diff.linked_samples.push_back(group);
  }
  diff.linked = std::count(linked.begin(), linked.end(), true);
  for (const auto& group : now.groups) {
    if (Across(group, then_of).size() < 2) continue;
    ++diff.split;
    if (diff.split_samples.size() < most_samples) diff.split_samples.push_back(group);
  }
  return diff;
}

}  // namespace pharos::customer
