#include "services/customer/linker_load.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <thread>

#include "pharos/record/v1/change.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/customer/linker_batch.h"
#include "services/customer/tables.h"
#include "storage/envelope.h"

namespace pharos::customer {

using identity::Group;
using record::v1::AssertionRow;
using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

constexpr size_t kMostChanges = 8192;  // of the log read at once

uint64_t HashOf(std::string_view person) {
  return OrderKeyOf(person);
}

// Runs `work(at)` for every place below `count`, on several threads.
template <typename Work>
void Parallel(size_t count, int threads, const Work& work) {
  constexpr size_t kFewerIsOne = 64;
  if (threads <= 1 || count < kFewerIsOne) {
    for (size_t at = 0; at < count; ++at) work(at);
    return;
  }
  std::vector<std::thread> workers;
  const auto part = [&](size_t first) {
    for (size_t at = first; at < count; at += static_cast<size_t>(threads)) work(at);
  };
  for (int thread = 1; thread < threads; ++thread) workers.emplace_back(part, static_cast<size_t>(thread));
  part(0);
  for (auto& worker : workers) worker.join();
}

}  // namespace

absl::Status Loader::ReadPage(std::string& from, std::vector<RecordRow>& rows) const {
  storage::KeyRange range = storage::PrefixRange(storage::KeyWriter(kRecord).str());
  if (!from.empty()) range.begin = from;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(range, [&](std::string_view key, std::string_view value) {
    damaged = storage::DecodeRecord(value, rows.emplace_back());
    from.assign(key).push_back('\0');
    return damaged.ok() && rows.size() < kRowsAtOnce;
  }));
  return damaged;
}

absl::Status Loader::Scan(identity::LinkIndex& index, bool register_too) {
  std::string from;
  while (true) {
    std::vector<RecordRow> rows;
    PHAROS_RETURN_IF_ERROR(ReadPage(from, rows));
    if (rows.empty()) break;
    if (register_too) {
      for (const auto& row : rows) Register(row);
    }
    PHAROS_RETURN_IF_ERROR(Feed(index, std::move(rows)));
  }
  if (register_too) FinishRegistry();
  (void)index.Settle();
  index.Keep();
  return absl::OkStatus();
}

absl::Status Loader::Feed(identity::LinkIndex& index, std::vector<RecordRow> rows) {
  std::erase_if(rows, [](const RecordRow& row) { return SealedRows::IsGone(row); });
  PHAROS_RETURN_IF_ERROR(people_.rows().Prefetch(rows));
  std::vector<identity::LinkIndex::Item> items(rows.size());
  std::vector<absl::Status> statuses(rows.size());
  Parallel(rows.size(), threads_, [&](size_t at) {
    RecordRow& row = rows[at];
    SealedRows::Earlier earlier;
    statuses[at] = people_.rows().OpenWhole(row, earlier);
    if (!statuses[at].ok()) return;
    items[at].key = OrderKeyOf(row.name());
    items[at].features = Preparation::FeaturesOf(row, earlier, index.model());
  });
  for (const auto& status : statuses) PHAROS_RETURN_IF_ERROR(status);
  size_t kept = 0;
  for (size_t at = 0; at < rows.size(); ++at) {
    const auto number = registry_.NumberOf(rows[at].name());
    if (!number) continue;
    items[at].record = *number;
    if (kept != at) items[kept] = std::move(items[at]);
    ++kept;
  }
  items.resize(kept);
  index.PutAll(std::move(items), threads_);
  return absl::OkStatus();
}

void Loader::Register(const RecordRow& row) {
  const RecordNo record = registry_.Number(row.name(), row.birth());
  if (registry_.Birth(record) != row.birth()) registry_.SetBirth(record, row.birth());
  registry_.Arrive(record, row.create_time_us());
  registry_.SetState(record, SealedRows::IsGone(row) ? Registry::kGone : Registry::kLive, Registry::kNobody);
  person_of_.emplace_back(HashOf(row.person()), record);
  if (row.birth().empty()) unborn_[record] = row.person();
  if (row.link_rule().starts_with(kStaysWith) && SealedRows::IsGone(row)) {
    stays_with_[record] = row.link_rule().substr(kStaysWith.size());
  }
}

// The eldest of those whose birth is not written has the person's id, unless another record was born with it.
void Loader::RegisterPerson(uint64_t hash, const std::vector<RecordNo>& members) {
  const auto elder = [&](RecordNo a, RecordNo b) {
    return b == Registry::kNobody || registry_.Elder(a, b) ? a : b;
  };
  RecordNo eldest = Registry::kNobody, unborn = Registry::kNobody, live = Registry::kNobody;
  for (const RecordNo member : members) {
    if (unborn_.contains(member)) {
      unborn = elder(member, unborn);
    } else if (HashOf(registry_.PersonName(member)) == hash) {
      eldest = member;
    }
    if (registry_.At(member).state == Registry::kLive) live = elder(member, live);
  }
  for (const RecordNo member : members) {
    const auto it = unborn_.find(member);
    if (it == unborn_.end()) continue;
    const bool first = eldest == Registry::kNobody && member == unborn;
    registry_.SetBirth(member, first ? base::Segment(it->second, "people")
                                     : base::ToHex(people_.PostingOf("birth", registry_.Name(member))));
    if (first) eldest = member;
  }
  if (eldest == Registry::kNobody) eldest = members.front();
  for (const RecordNo member : members) {
    if (registry_.At(member).state != Registry::kGone) continue;
    const auto said = stays_with_.find(member);
    const auto with = said == stays_with_.end() ? std::nullopt : registry_.Find(said->second);
    registry_.SetState(member, Registry::kGone, with ? *with : live);
  }
  registry_.SetPerson(eldest, members);
}

void Loader::FinishRegistry() {
  std::sort(person_of_.begin(), person_of_.end());
  for (size_t at = 0; at < person_of_.size();) {
    const uint64_t hash = person_of_[at].first;
    std::vector<RecordNo> members;
    for (; at < person_of_.size() && person_of_[at].first == hash; ++at)
      members.push_back(person_of_[at].second);
    RegisterPerson(hash, members);
  }
  person_of_.clear();
  unborn_.clear();
  stays_with_.clear();
}

absl::StatusOr<std::vector<std::vector<RecordRow>>> Loader::ChangedPeople(uint64_t& position,
                                                                          bool register_too) {
  std::set<std::string> names;
  const uint64_t last = store_.LastPosition();
  while (position < last) {
    PHAROS_ASSIGN_OR_RETURN(const std::vector<storage::Change> changes,
                            store_.ReadChanges(position, kMostChanges));
    if (changes.empty()) break;
    for (const auto& change : changes) {
      record::v1::ChangeEntry entry;
      if (!entry.ParseFromString(change.entry))
        return absl::DataLossError("an entry of the change log cannot be read");
      if (entry.kind() == "person.changed") names.insert(entry.resource());
    }
    position = changes.back().position;
  }
  std::vector<std::vector<RecordRow>> people;
  const std::unique_ptr<storage::View> view = store_.Read();
  for (const auto& name : names) {
    PersonRow person;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(*view, PersonKey(name), person));
    if (!found) continue;
    auto& rows = people.emplace_back();
    for (const auto& record : person.records()) {
      PHAROS_ASSIGN_OR_RETURN(std::optional<RecordRow> row, people_.LoadRecord(*view, record));
      if (row) rows.push_back(*std::move(row));
    }
  }
  return people;
}

absl::Status Loader::CatchUp(identity::LinkIndex& index, bool register_too, uint64_t& position) {
  PHAROS_ASSIGN_OR_RETURN(auto people, ChangedPeople(position, register_too));
  std::vector<RecordNo> former;
  std::vector<RecordRow> all;
  for (auto& rows : people) {
    for (auto& row : rows) {
      const auto number = registry_.NumberOf(row.name());
      if (register_too && number && registry_.At(*number).person != Registry::kNobody)
        former.push_back(registry_.At(*number).person);
      if (number && SealedRows::IsGone(row)) index.Remove(*number);
      if (register_too) Register(row);
      all.push_back(std::move(row));
    }
  }
  // Whoever had these is said anew or is no more.
  for (const RecordNo person : former) registry_.EndPerson(person);
  if (register_too) FinishRegistry();
  for (size_t at = 0; at < all.size(); at += kRowsAtOnce) {
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), at + kRowsAtOnce));
    PHAROS_RETURN_IF_ERROR(
        Feed(index, {std::make_move_iterator(all.begin() + static_cast<std::ptrdiff_t>(at)),
                     std::make_move_iterator(end)}));
  }
  (void)index.Settle();
  index.Keep();
  return absl::OkStatus();
}

identity::Assertion Loader::AssertionOf(const AssertionRow& row, Registry& registry) {
  identity::Assertion assertion;
  for (const auto& side : row.sides()) {
    auto& records = assertion.sides.emplace_back();
    for (const auto& record : side.records()) records.push_back(registry.Number(record, {}));
  }
  return assertion;
}

absl::Status Loader::Assertions(identity::LinkIndex& index, std::map<uint64_t, std::string>& known,
                                uint64_t& last) {
  std::map<uint64_t, AssertionRow> in_force;
  absl::Status damaged;
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(storage::PrefixRange(storage::KeyWriter(kAssertion).str()),
                                             [&](std::string_view, std::string_view value) {
                                               AssertionRow row;
                                               damaged = storage::DecodeRecord(value, row);
                                               last = std::max(last, row.number());
                                               if (row.revoke_time_us() == 0)
                                                 in_force.emplace(row.number(), std::move(row));
                                               return damaged.ok();
                                             }));
  PHAROS_RETURN_IF_ERROR(damaged);
  std::erase_if(known, [&](const auto& each) {
    if (in_force.contains(each.first)) return false;
    index.Revoke(each.first);
    return true;
  });
  for (const auto& [number, row] : in_force) {
    if (known.contains(number)) continue;
    PHAROS_RETURN_IF_ERROR(index.Assert(number, AssertionOf(row, registry_)));
    known.emplace(number, row.name());
  }
  (void)index.Settle();
  index.Keep();
  return absl::OkStatus();
}

std::vector<std::vector<Group>> Loader::Differences(const identity::LinkIndex& index,
                                                    const Registry& registry) {
  std::vector<Group> groups;
  index.ForEachGroup([&](const Group& group) {
    const RecordNo person = registry.At(group.front().record).person;
    const bool same = person != Registry::kNobody && registry.At(person).live == group.size() &&
                      std::all_of(group.begin(), group.end(), [&](const auto& member) {
                        return registry.At(member.record).person == person;
                      });
    if (!same) groups.push_back(group);
  });
  std::vector<size_t> parent(groups.size());
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t at) {
    while (parent[at] != at) at = parent[at] = parent[parent[at]];
    return at;
  };
  std::unordered_map<RecordNo, size_t> with_person;
  for (size_t at = 0; at < groups.size(); ++at) {
    for (const auto& member : groups[at]) {
      const RecordNo person = registry.At(member.record).person;
      if (person == Registry::kNobody) continue;
      const auto [it, first] = with_person.try_emplace(person, at);
      if (!first) parent[root(at)] = root(it->second);
    }
  }
  std::map<size_t, std::vector<Group>> sets;
  for (size_t at = 0; at < groups.size(); ++at) sets[root(at)].push_back(std::move(groups[at]));
  std::vector<std::vector<Group>> found;
  for (auto& [at, set] : sets) found.push_back(std::move(set));
  return found;
}

}  // namespace pharos::customer
