#include "services/customer/identity/decisions.h"

#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <utility>

#include "services/base/errors.h"

namespace pharos::customer::identity {

namespace {

using Place = Decisions::Place;

// How a record was reached: through which decision, from which record.
struct Step {
  uint64_t through = 0;
  RecordNo from = 0;
};
using Reached = absl::flat_hash_map<RecordNo, Step>;

absl::Status Conflict(const std::set<uint64_t>& with) {
  std::string ids;
  for (uint64_t id : with) ids += (ids.empty() ? "" : ",") + std::to_string(id);
  return base::MakeError(
      absl::StatusCode::kFailedPrecondition, "ASSERTION_CONFLICT",
      "This contradicts earlier decisions: take those back first, or leave these records out.",
      {{"with", ids}});
}

std::set<uint64_t> PathTo(RecordNo record, const Reached& reached) {
  std::set<uint64_t> path;
  while (true) {
    const Step& step = reached.at(record);
    if (step.through == 0 && step.from == record) return path;
    path.insert(step.through);
    record = step.from;
  }
}

}  // namespace

const Assertion* Decisions::Of(uint64_t id) const {
  const auto it = all_.find(id);
  return it == all_.end() ? nullptr : &it->second;
}

const std::vector<Place>& Decisions::PlacesOf(RecordNo record) const {
  static const auto* const none = new std::vector<Place>;
  const auto it = places_.find(record);
  return it == places_.end() ? *none : it->second;
}

const std::vector<RecordNo>& Decisions::SideOf(const Place& place) const {
  return all_.at(place.assertion).sides[place.side];
}

void Decisions::Add(uint64_t id, Assertion assertion) {
  for (uint32_t side = 0; side < assertion.sides.size(); ++side) {
    for (RecordNo record : assertion.sides[side]) {
      auto& places = places_[record];
      const Place place{id, side};
      const auto at = std::lower_bound(places.begin(), places.end(), place);
      if (at == places.end() || *at != place) places.insert(at, place);
    }
  }
  all_[id] = std::move(assertion);
}

void Decisions::Remove(uint64_t id) {
  const auto it = all_.find(id);
  if (it == all_.end()) return;
  for (const auto& side : it->second.sides) {
    for (RecordNo record : side) {
      const auto places = places_.find(record);
      if (places == places_.end()) continue;
      std::erase_if(places->second, [&](const Place& place) { return place.assertion == id; });
      if (places->second.empty()) places_.erase(places);
    }
  }
  all_.erase(it);
}

// Everything that must be together with a side's first record is walked; a decision two of whose sides are
// reached that way is contradicted. Only what the new one touches can have changed.
absl::Status Decisions::Check(uint64_t id, const Assertion& assertion) const {
  std::deque<RecordNo> starts;
  for (const auto& side : assertion.sides) starts.insert(starts.end(), side.begin(), side.end());
  absl::flat_hash_map<RecordNo, std::vector<Place>> own;
  for (uint32_t side = 0; side < assertion.sides.size(); ++side) {
    for (RecordNo record : assertion.sides[side]) own[record].push_back({id, side});
  }
  absl::flat_hash_map<RecordNo, bool> done;
  for (RecordNo start : starts) {
    if (done.contains(start)) continue;
    Reached reached{{start, {0, start}}};
    std::deque<RecordNo> queue{start};
    std::map<uint64_t, std::pair<uint32_t, RecordNo>> sides;  // decision → side first seen, and where
    while (!queue.empty()) {
      const RecordNo at = queue.front();
      queue.pop_front();
      done[at] = true;
      std::vector<Place> places = PlacesOf(at);
      std::erase_if(places, [&](const Place& place) { return place.assertion == id; });
      if (const auto it = own.find(at); it != own.end())
        places.insert(places.end(), it->second.begin(), it->second.end());
      for (const Place& place : places) {
        const auto [seen, fresh] = sides.try_emplace(place.assertion, place.side, at);
        if (!fresh && seen->second.first != place.side) {
          auto with = PathTo(at, reached);
          with.merge(PathTo(seen->second.second, reached));
          with.insert(place.assertion);
          with.erase(id);
          if (with.empty()) with.insert(id);
          return Conflict(with);
        }
        const auto& side = place.assertion == id ? assertion.sides[place.side] : SideOf(place);
        for (RecordNo next : side) {
          if (reached.try_emplace(next, Step{place.assertion, at}).second) queue.push_back(next);
        }
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace pharos::customer::identity
