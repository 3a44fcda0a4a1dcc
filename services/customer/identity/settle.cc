// From edges and decisions to groups, and what follows from them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "services/customer/identity/index.h"
#include "services/customer/identity/text.h"

namespace pharos::customer::identity {

// Everything that hangs together with a record by links and decisions.
std::vector<RecordNo> Index::Spread(RecordNo start, absl::flat_hash_set<RecordNo>& seen) const {
  std::vector<RecordNo> members{start};
  seen.insert(start);
  const auto reach = [&](RecordNo record) {
    if (Knows(record) && seen.insert(record).second) members.push_back(record);
  };
  for (size_t at = 0; at < members.size(); ++at) {
    const RecordNo record = members[at];
    for (const Edge& edge : records_[record].edges) {
      if (Links(edge)) reach(edge.other);
    }
    for (const auto& place : decisions_.PlacesOf(record)) {
      for (RecordNo other : decisions_.SideOf(place)) reach(other);
    }
  }
  std::sort(members.begin(), members.end(), [&](RecordNo a, RecordNo b) { return Before(a, b); });
  return members;
}

Component Index::ComponentOf(const std::vector<RecordNo>& members) const {
  Component component;
  component.size = static_cast<uint32_t>(members.size());
  absl::flat_hash_map<RecordNo, uint32_t> place;
  for (uint32_t at = 0; at < members.size(); ++at) place[members[at]] = at;
  component.markers.resize(members.size());
  component.numbers.resize(members.size());
  for (uint32_t at = 0; at < members.size(); ++at) {
    const Record& record = records_[members[at]];
    for (const Edge& edge : record.edges) {
      if (!Links(edge)) continue;
      const uint32_t other = place.at(edge.other);
      if (other > at) component.edges.push_back({at, other, edge.weight});
    }
    for (const auto& decided : decisions_.PlacesOf(members[at])) {
      component.markers[at].push_back({decided.assertion, decided.side});
      for (RecordNo other : decisions_.SideOf(decided)) {
        const auto it = place.find(other);
        if (it != place.end() && it->second > at) component.together.emplace_back(at, it->second);
      }
    }
    const View view(record.features.data());
    for (const auto& number : view.of[kNhsNumber]) component.numbers[at].push_back(number);
  }
  return component;
}

void Index::Regroup(const std::vector<RecordNo>& members, std::vector<RecordNo>& roots) {
  if (members.size() == 1) {
    records_[members[0]].root = members[0];
    roots.push_back(members[0]);
    return;
  }
  const auto groups = Partition(ComponentOf(members), [&](uint32_t a, uint32_t b) {
    const Score score = ScoreOf(members[a], members[b]);
    return Cross{score.cross, (score.flags & kNever) != 0};
  });
  absl::flat_hash_map<uint32_t, std::vector<RecordNo>> of;
  for (uint32_t at = 0; at < members.size(); ++at) of[groups[at]].push_back(members[at]);
  for (auto& [first, group] : of) {
    const RecordNo root = members[first];
    for (RecordNo record : group) records_[record].root = root;
    roots.push_back(root);
    if (group.size() > 1) members_[root] = std::move(group);
  }
}

std::vector<Group> Index::Settle() {
  absl::flat_hash_set<RecordNo> seen;
  std::vector<std::vector<RecordNo>> components;
  for (RecordNo record : touched_) {
    if (Knows(record)) {
      if (!seen.contains(record)) components.push_back(Spread(record, seen));
    } else if (record < records_.size()) {
      DropReviews(records_[record].root);
      members_.erase(records_[record].root);
      records_[record].root = record;
    }
  }
  touched_.clear();
  for (const auto& component : components) {
    for (RecordNo record : component) {
      DropReviews(records_[record].root);
      members_.erase(records_[record].root);
    }
  }
  std::vector<RecordNo> roots;
  for (const auto& component : components) Regroup(component, roots);
  std::sort(roots.begin(), roots.end(), [&](RecordNo a, RecordNo b) { return Before(a, b); });
  std::vector<Group> groups;
  for (RecordNo root : roots) {
    FindReviews(root);
    groups.push_back(Describe(MembersOf(root)));
  }
  return groups;
}

std::vector<RecordNo> Index::MembersOf(RecordNo root) const {
  const auto it = members_.find(root);
  return it == members_.end() ? std::vector<RecordNo>{root} : it->second;
}

Group Index::Describe(const std::vector<RecordNo>& members) const {
  Group group;
  for (RecordNo record : members) {
    Membership membership{record, Why::kAlone, record, 0};
    if (members.size() == 1) return {membership};
    const RecordNo root = records_[record].root;
    bool found = false;
    for (const Edge& edge : records_[record].edges) {
      if (records_[edge.other].root != root || (found && edge.weight < membership.weight)) continue;
      if (found && edge.weight == membership.weight && !Before(edge.other, membership.with)) continue;
      found = true;
      membership = {record, edge.rule != 0 ? Why::kDeterministic : Why::kScore, edge.other, edge.weight};
    }
    if (!found || membership.weight < model_->auto_weight()) {
      for (const auto& place : decisions_.PlacesOf(record)) {
        for (RecordNo other : decisions_.SideOf(place)) {
          if (other == record || !Knows(other)) continue;
          if (membership.why == Why::kAsserted && !Before(other, membership.with)) continue;
          membership = {record, Why::kAsserted, other, 0};
        }
      }
    }
    group.push_back(membership);
  }
  return group;
}

void Index::DropReviews(RecordNo root) {
  const auto it = reviews_of_.find(root);
  if (it == reviews_of_.end()) return;
  const std::vector<ReviewKey> reviews = std::move(it->second);
  reviews_of_.erase(it);
  for (const ReviewKey& review : reviews) {
    reviews_.erase(review);
    const RecordNo other = review.root_a == root ? review.root_b : review.root_a;
    const auto of = reviews_of_.find(other);
    if (of == reviews_of_.end()) continue;
    std::erase_if(of->second, [&](const ReviewKey& one) { return one.Order() == review.Order(); });
    if (of->second.empty()) reviews_of_.erase(of);
  }
}

bool Index::DecidedApart(RecordNo root_a, RecordNo root_b) const {
  for (RecordNo a : MembersOf(root_a)) {
    for (const auto& place : decisions_.PlacesOf(a)) {
      const Assertion& assertion = *decisions_.Of(place.assertion);
      for (uint32_t side = 0; side < assertion.sides.size(); ++side) {
        if (side == place.side) continue;
        for (RecordNo b : assertion.sides[side]) {
          if (Knows(b) && records_[b].root == root_b) return true;
        }
      }
    }
  }
  return false;
}

void Index::AddReview(const ReviewKey& review) {
  if (!reviews_.insert(review).second) return;
  reviews_of_[review.root_a].push_back(review);
  reviews_of_[review.root_b].push_back(review);
}

// The strongest edge to each other group.
void Index::FindReviews(RecordNo root) {
  absl::flat_hash_map<RecordNo, ReviewKey> best;
  for (RecordNo record : MembersOf(root)) {
    for (const Edge& edge : records_[record].edges) {
      const RecordNo other = records_[edge.other].root;
      if (other == root) continue;
      const bool first = Before(record, edge.other);
      const RecordNo a = first ? record : edge.other, b = first ? edge.other : record;
      const ReviewKey review{edge.weight, records_[a].key,  records_[b].key, a,
                             b,           records_[a].root, records_[b].root};
      const auto [it, fresh] = best.try_emplace(other, review);
      if (!fresh && review < it->second) it->second = review;
    }
  }
  for (const auto& [other, review] : best) {
    if (!DecidedApart(root, other)) AddReview(review);
  }
}

std::pair<double, double> Index::Expected() const {
  double right = 0, pairs = 0;
  const auto chance = [](int32_t weight) { return 1 / (1 + std::exp2(-weight / 1024.0)); };
  for (const auto& [root, members] : members_) {
    // Joined one by one along the strongest links: a pair is as sure as the weakest link between its ends.
    struct Link {
      int32_t weight;
      RecordNo a, b;
    };
    std::vector<Link> links;
    absl::flat_hash_map<RecordNo, std::pair<RecordNo, double>> parent;  // and size
    for (RecordNo record : members) {
      parent[record] = {record, 1};
      for (const Edge& edge : records_[record].edges) {
        if (edge.other > record && records_[edge.other].root == root)
          links.push_back({edge.weight, record, edge.other});
      }
    }
    std::sort(links.begin(), links.end(), [](const Link& a, const Link& b) {
      return std::tie(b.weight, a.a, a.b) < std::tie(a.weight, b.a, b.b);
    });
    const auto root_of = [&](RecordNo at) {
      while (parent[at].first != at) at = parent[at].first;
      return at;
    };
    for (const Link& link : links) {
      const RecordNo a = root_of(link.a), b = root_of(link.b);
      if (a == b) continue;
      const double made = parent[a].second * parent[b].second;
      pairs += made;
      right += made * chance(link.weight);
      parent[b].first = a;
      parent[a].second += parent[b].second;
    }
  }
  return {right, pairs};
}

}  // namespace pharos::customer::identity
