// From edges and decisions to groups, and what follows from them.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

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
      unreviewed_.insert(records_[record].root);
      members_.erase(records_[record].root);
      records_[record].root = record;
    }
  }
  touched_.clear();
  for (const auto& component : components) {
    for (RecordNo record : component) {
      unreviewed_.insert(records_[record].root);
      members_.erase(records_[record].root);
    }
  }
  std::vector<RecordNo> roots;
  for (const auto& component : components) Regroup(component, roots);
  std::sort(roots.begin(), roots.end(), [&](RecordNo a, RecordNo b) { return Before(a, b); });
  std::vector<Group> groups;
  for (RecordNo root : roots) {
    unreviewed_.insert(root);
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

void Index::Unlist(RecordNo root, const ReviewKey& review) const {
  const auto of = reviews_of_.find(root);
  if (of == reviews_of_.end()) return;
  std::erase_if(of->second, [&](const ReviewKey& one) { return one.Order() == review.Order(); });
  if (of->second.empty()) reviews_of_.erase(of);
}

void Index::DropReviews(RecordNo root) const {
  const auto it = reviews_of_.find(root);
  if (it == reviews_of_.end()) return;
  const std::vector<ReviewKey> reviews = std::move(it->second);
  reviews_of_.erase(it);
  for (const ReviewKey& review : reviews) {
    reviews_.erase(review);
    Unlist(review.root_a == root ? review.root_b : review.root_a, review);
  }
}

// The same pair may still stand as one of groups that are no more, until their turn comes.
void Index::AddReview(const ReviewKey& review) const {
  const auto at = reviews_.find(review);
  if (at != reviews_.end()) {
    const ReviewKey before = *at;
    if (before.root_a == review.root_a && before.root_b == review.root_b)
      return;  // the other side has found it
    Unlist(before.root_a, before);
    Unlist(before.root_b, before);
    reviews_.erase(before);
  }
  reviews_.insert(review);
  reviews_of_[review.root_a].push_back(review);
  reviews_of_[review.root_b].push_back(review);
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

// The strongest edge to each other group.
std::vector<Index::ReviewKey> Index::FindReviews(RecordNo root) const {
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
  std::vector<ReviewKey> found;
  for (const auto& [other, review] : best) {
    if (!DecidedApart(root, other)) found.push_back(review);
  }
  return found;
}

void Index::Renew(const std::vector<RecordNo>& roots) const {
  for (const RecordNo root : roots) DropReviews(root);
  for (const RecordNo root : roots) {
    if (!Knows(root) || records_[root].root != root) continue;
    for (const ReviewKey& review : FindReviews(root)) AddReview(review);
  }
}

void Index::BringReviews() const {
  constexpr size_t kShareOfAll = 8;  // past an eighth of all, all at once are found sooner
  if (unreviewed_.size() + next_.size() > known_ / kShareOfAll) return FindAllReviews();
  next_.insert(next_.end(), unreviewed_.begin(), unreviewed_.end());
  unreviewed_.clear();
  Renew(std::exchange(next_, {}));
}

bool Index::FindSomeReviews(size_t most) const {
  if (next_.empty()) {
    next_.assign(unreviewed_.begin(), unreviewed_.end());
    unreviewed_.clear();
  }
  const auto from = next_.end() - static_cast<std::ptrdiff_t>(std::min(most, next_.size()));
  const std::vector<RecordNo> some(from, next_.end());
  next_.erase(from, next_.end());
  Renew(some);
  return !next_.empty() || !unreviewed_.empty();
}

void Index::FindAllReviews() const {
  unreviewed_.clear();
  next_.clear();
  reviews_of_.clear();
  std::vector<ReviewKey> all;
  for (RecordNo record = 0; record < records_.size(); ++record) {
    if (!Knows(record) || records_[record].root != record) continue;
    std::vector<ReviewKey> its = FindReviews(record);
    for (const ReviewKey& review : its) {
      if (review.root_a == record) all.push_back(review);  // both sides find the same
    }
    if (!its.empty()) reviews_of_[record] = std::move(its);
  }
  std::sort(all.begin(), all.end());
  reviews_ = absl::btree_set<ReviewKey>(all.begin(), all.end());
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
