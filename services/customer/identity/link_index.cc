#include "services/customer/identity/link_index.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "services/customer/identity/index.h"

namespace pharos::customer::identity {

namespace {

// Records that are compared together in bulk: enough for every thread, few enough to hold their keys at once.
constexpr size_t kBulk = 65'536;
constexpr size_t kSlice = 256;  // taken by a thread at a time

}  // namespace

std::unique_ptr<LinkIndex> LinkIndex::Make(std::shared_ptr<const Model> model) {
  return std::make_unique<Index>(std::static_pointer_cast<const ModelData>(std::move(model)));
}

Index::Record& Index::At(RecordNo record) {
  if (record >= records_.size()) records_.resize(record + size_t{1});
  return records_[record];
}

void Index::Journal(RecordNo record) {
  const Record& now = At(record);
  journal_.push_back({Step::kRecord, record, now.key, now.features, 0, {}, false});
}

void Index::Set(RecordNo record, uint64_t key, Features features) {
  if (At(record).known())
    Detach(record);
  else
    records_[record].root = record;
  Touch(record);
  if (features.empty()) return;
  Record& now = At(record);
  now.key = key, now.features = std::move(features);
  Attach(record);
}

void Index::Put(RecordNo record, uint64_t key, Features features) {
  if (features.empty()) features = Features::From({});
  const Record& now = At(record);
  if (now.known() && now.key == key && now.features.data().bytes == features.data().bytes)
    return Touch(record);
  Journal(record);
  Set(record, key, std::move(features));
}

void Index::Remove(RecordNo record) {
  if (!Knows(record)) return;
  Journal(record);
  Set(record, 0, Features());
}

void Index::AddKeys(RecordNo record, const std::vector<uint64_t>& keys, std::vector<uint64_t>* overfull) {
  for (uint64_t key : keys) {
    if (model_->Stopped(key)) continue;
    if (postings_.Add(key, record) == size_t{model_->most_per_key()} + 1) overfull->push_back(key);
  }
}

void Index::Attach(RecordNo record) {
  static thread_local std::vector<uint64_t> keys;
  std::vector<uint64_t> overfull;
  std::vector<RecordNo> candidates;
  const View view(records_[record].features.data());
  BlockKeys(view, keys);
  for (uint64_t key : keys) postings_.Prefetch(key);
  Candidates(record, keys, candidates);
  AddKeys(record, keys, &overfull);
  // A key that this record made too full is followed no longer, for it as for the others.
  if (!overfull.empty()) {
    Candidates(record, keys, candidates);
    const std::vector<uint64_t> full = overfull;
    for (uint64_t key : full) Retire(key);
  }
  ++known_;
  for (RecordNo other : candidates) {
    ++compared_;
    const Score score = model_->Of(view, View(records_[other].features.data()));
    if (score.weight >= model_->review_weight()) AddEdge(record, other, score);
  }
}

void Index::Detach(RecordNo record) {
  std::vector<uint64_t> keys;
  BlockKeys(View(records_[record].features.data()), keys);
  while (!records_[record].edges.empty()) DropEdge(record, records_[record].edges.back().other);
  for (const auto& place : decisions_.PlacesOf(record)) TouchAll(*decisions_.Of(place.assertion));
  std::vector<uint64_t> roomy;
  for (uint64_t key : keys) {
    if (model_->Stopped(key)) continue;
    if (postings_.Remove(key, record) == model_->most_per_key()) roomy.push_back(key);
  }
  records_[record].features = Features();
  --known_;
  for (uint64_t key : roomy) Revive(key);
}

void Index::Candidates(RecordNo self, const std::vector<uint64_t>& keys, std::vector<RecordNo>& found) const {
  found.clear();
  for (uint64_t key : keys) {
    const auto list = postings_.Of(key);
    if (list.size > model_->most_per_key()) continue;
    for (RecordNo other : list) {
      if (other != self) found.push_back(other);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
}

void Index::ForEachCandidate(RecordNo record,
                             absl::FunctionRef<void(RecordNo, const Features&)> visit) const {
  std::vector<uint64_t> keys;
  std::vector<RecordNo> candidates;
  BlockKeys(View(records_[record].features.data()), keys);
  std::erase_if(keys, [&](uint64_t key) { return model_->Stopped(key); });
  Candidates(record, keys, candidates);
  for (RecordNo other : candidates) visit(other, records_[other].features);
}

bool Index::ShareLiveKey(RecordNo a, RecordNo b) const {
  std::vector<uint64_t> of_a, of_b, both;
  BlockKeys(View(records_[a].features.data()), of_a);
  BlockKeys(View(records_[b].features.data()), of_b);
  std::set_intersection(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), std::back_inserter(both));
  return std::any_of(both.begin(), both.end(), [&](uint64_t key) {
    return !model_->Stopped(key) && postings_.CountOf(key) <= model_->most_per_key();
  });
}

// What only this key had brought together comes apart.
void Index::Retire(uint64_t key) {
  const auto list = postings_.Of(key);
  const std::vector<RecordNo> records(list.begin(), list.end());
  const absl::flat_hash_set<RecordNo> all(records.begin(), records.end());
  for (RecordNo record : records) {
    std::vector<RecordNo> others;
    for (const Edge& edge : records_[record].edges) {
      if (edge.other > record && all.contains(edge.other)) others.push_back(edge.other);
    }
    for (RecordNo other : others) {
      if (!ShareLiveKey(record, other)) DropEdge(record, other);
    }
  }
}

void Index::Revive(uint64_t key) {
  const auto list = postings_.Of(key);
  const std::vector<RecordNo> records(list.begin(), list.end());
  for (size_t i = 0; i < records.size(); ++i) {
    for (size_t j = i + 1; j < records.size(); ++j) {
      if (EdgeOf(records[i], records[j]) != nullptr) continue;
      ++compared_;
      const Score score = ScoreOf(records[i], records[j]);
      if (score.weight >= model_->review_weight()) AddEdge(records[i], records[j], score);
    }
  }
}

Score Index::ScoreOf(RecordNo a, RecordNo b) const {
  return model_->Of(View(records_[a].features.data()), View(records_[b].features.data()));
}

const Index::Edge* Index::EdgeOf(RecordNo a, RecordNo b) const {
  const auto& edges = records_[a].edges;
  const auto at = std::find_if(edges.begin(), edges.end(), [&](const Edge& edge) { return edge.other == b; });
  return at == edges.end() ? nullptr : &*at;
}

void Index::AddEdge(RecordNo a, RecordNo b, const Score& score) {
  Edge edge{b, 0, score.rule ? 1u : 0u, (score.flags & kNever) != 0 ? 1u : 0u};
  edge.weight = score.weight;
  records_[a].edges.push_back(edge);
  edge.other = a;
  records_[b].edges.push_back(edge);
  ++edges_;
  Touch(a), Touch(b);
}

void Index::DropEdge(RecordNo a, RecordNo b) {
  const auto drop = [&](RecordNo from, RecordNo to) {
    auto& edges = records_[from].edges;
    const auto at =
        std::find_if(edges.begin(), edges.end(), [&](const Edge& edge) { return edge.other == to; });
    if (at == edges.end()) return;
    *at = edges.back();
    edges.pop_back();
  };
  drop(a, b), drop(b, a);
  --edges_;
  Touch(a), Touch(b);
}

void Index::PutAll(std::vector<Item> items, int threads) {
  // The last word on a record counts.
  absl::flat_hash_map<RecordNo, size_t> last;
  for (size_t at = 0; at < items.size(); ++at) last[items[at].record] = at;
  std::vector<RecordNo> fresh;
  std::vector<std::vector<uint64_t>> keys;
  for (size_t from = 0; from < items.size(); from += kBulk) {
    const size_t to = std::min(items.size(), from + kBulk);
    fresh.clear();
    for (size_t at = from; at < to; ++at) {
      Item& item = items[at];
      if (last[item.record] != at) continue;
      if (item.features.empty()) item.features = Features::From({});
      Record& now = At(item.record);
      Touch(item.record);
      if (now.known() && now.key == item.key && now.features.data().bytes == item.features.data().bytes)
        continue;
      Journal(item.record);
      if (now.known())
        Detach(item.record);
      else
        now.root = item.record;
      Record& set = At(item.record);
      set.key = item.key, set.features = std::move(item.features);
      fresh.push_back(item.record);
    }
    keys.assign(fresh.size(), {});
    const auto in_parallel = [&](auto&& work) {
      std::atomic<size_t> next{0};
      std::vector<std::thread> pool;
      const auto run = [&](int number) {
        for (size_t first = next.fetch_add(kSlice); first < fresh.size(); first = next.fetch_add(kSlice)) {
          for (size_t at = first; at < std::min(fresh.size(), first + kSlice); ++at) work(number, at);
        }
      };
      for (int number = 1; number < threads; ++number) pool.emplace_back(run, number);
      run(0);
      for (auto& thread : pool) thread.join();
    };
    in_parallel([&](int, size_t at) { BlockKeys(View(records_[fresh[at]].features.data()), keys[at]); });
    std::vector<uint64_t> overfull;
    for (size_t at = 0; at < fresh.size(); ++at) {
      if (at + 1 < fresh.size()) {
        for (uint64_t key : keys[at + 1]) postings_.Prefetch(key);
      }
      AddKeys(fresh[at], keys[at], &overfull);
      ++known_;
    }
    for (uint64_t key : overfull) Retire(key);
    const absl::flat_hash_set<RecordNo> among(fresh.begin(), fresh.end());
    std::vector<std::vector<Found>> found(static_cast<size_t>(std::max(threads, 1)));
    std::vector<uint64_t> counts(found.size());
    in_parallel([&](int number, size_t at) {
      static thread_local std::vector<RecordNo> candidates;
      Candidates(fresh[at], keys[at], candidates);
      const View view(records_[fresh[at]].features.data());
      for (RecordNo other : candidates) {
        if (other < fresh[at] && among.contains(other)) continue;  // found from the other end
        ++counts[static_cast<size_t>(number)];
        const Score score = model_->Of(view, View(records_[other].features.data()));
        if (score.weight >= model_->review_weight()) {
          found[static_cast<size_t>(number)].push_back({fresh[at], other, score});
        }
      }
    });
    for (const auto& some : found) {
      for (const Found& one : some) AddEdge(one.a, one.b, one.score);
    }
    for (uint64_t count : counts) compared_ += count;
  }
}

void Index::TouchAll(const Assertion& assertion) {
  for (const auto& side : assertion.sides) {
    for (RecordNo record : side) {
      if (Knows(record)) Touch(record);
    }
  }
}

absl::Status Index::Assert(uint64_t id, const Assertion& assertion) {
  if (auto status = decisions_.Check(id, assertion); !status.ok()) return status;
  Step step{Step::kAssertion, 0, 0, {}, id, {}, false};
  if (const Assertion* before = decisions_.Of(id)) {
    step.assertion = *before, step.asserted = true;
    TouchAll(*before);
    decisions_.Remove(id);
  }
  journal_.push_back(std::move(step));
  decisions_.Add(id, assertion);
  TouchAll(assertion);
  return absl::OkStatus();
}

void Index::Revoke(uint64_t id) {
  const Assertion* before = decisions_.Of(id);
  if (before == nullptr) return;
  journal_.push_back({Step::kAssertion, 0, 0, {}, id, *before, true});
  TouchAll(*before);
  decisions_.Remove(id);
}

// The content decides everything: putting it back puts everything back.
void Index::Undo() {
  std::vector<Step> steps;
  steps.swap(journal_);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->kind == Step::kRecord) {
      Set(step->record, step->key, std::move(step->features));
    } else {
      Revoke(step->id);
      if (step->asserted) decisions_.Add(step->id, step->assertion), TouchAll(step->assertion);
    }
  }
  Settle();
  journal_.clear();
}

}  // namespace pharos::customer::identity
