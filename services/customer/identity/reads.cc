#include <algorithm>
#include <cstring>
#include <string>

#include "services/base/errors.h"
#include "services/customer/identity/index.h"
#include "services/customer/identity/text.h"

namespace pharos::customer::identity {

namespace {

constexpr size_t kPiece = size_t{1} << 20;
constexpr std::string_view kMagic = "pharos-index-1\n";

absl::Status Broken() {
  return base::MakeError(absl::StatusCode::kDataLoss, "INDEX_BROKEN",
                         "The saved index is not whole: it is made again from the records.");
}

// Numbers and texts, cut into pieces, with a running check.
class Sink {
 public:
  explicit Sink(absl::FunctionRef<void(std::string_view)> write) : write_(write) {}
  void Number(uint64_t number) {
    char bytes[8];
    std::memcpy(bytes, &number, 8);
    Raw({bytes, 8});
    check_ = Mix(check_, number);
  }
  void Text(std::string_view text) {
    Number(text.size());
    Raw(text);
    check_ = Mix(check_, HashOf(1, text));
  }
  void End() {
    const uint64_t check = check_;
    Number(check);
    if (!piece_.empty()) write_(piece_);
  }

 private:
  void Raw(std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t part = std::min(bytes.size(), kPiece - piece_.size());
      piece_.append(bytes.substr(0, part));
      bytes.remove_prefix(part);
      if (piece_.size() == kPiece) write_(piece_), piece_.clear();
    }
  }
  absl::FunctionRef<void(std::string_view)> write_;
  std::string piece_;
  uint64_t check_ = 0;
};

class Tap {
 public:
  explicit Tap(absl::FunctionRef<bool(std::string&)> read) : read_(read) {}
  uint64_t Number() {
    uint64_t number = 0;
    if (!Need(8)) return 0;
    std::memcpy(&number, piece_.data() + at_, 8);
    at_ += 8;
    check_ = Mix(check_, number);
    return number;
  }
  std::string Text() {
    const uint64_t size = Number();
    if (size > kPiece || !Need(size)) {
      whole_ = false;
      return {};
    }
    std::string text = piece_.substr(at_, size);
    at_ += size;
    check_ = Mix(check_, HashOf(1, text));
    return text;
  }
  bool End() {
    const uint64_t check = check_;
    return Number() == check && whole_;
  }
  bool whole() const { return whole_; }

 private:
  bool Need(size_t bytes) {
    while (whole_ && piece_.size() - at_ < bytes) {
      std::string more;
      if (!read_(more)) whole_ = false;
      piece_.erase(0, at_);
      at_ = 0;
      piece_ += more;
    }
    return whole_;
  }
  absl::FunctionRef<bool(std::string&)> read_;
  std::string piece_;
  size_t at_ = 0;
  uint64_t check_ = 0;
  bool whole_ = true;
};

std::string VetoText(uint16_t flags) {
  if ((flags & kOtherNumber) != 0) return "different NHS numbers";
  if ((flags & kPossibleTwins) != 0) return "possible twins: born on one day, different given names";
  if ((flags & kGenerations) != 0) return "born a generation apart";
  if ((flags & kWeakNumber) != 0) return "same NHS number, but neither names nor date of birth agree";
  return {};
}

// What changed the sum of the comparisons by so much.
std::string RuleText(const Score& score, int32_t change) {
  if (score.rule) return "same NHS number, confirmed";
  return change > 0 ? "same NHS number: ask" : "twins, or parent and child, look like this";
}

}  // namespace

std::vector<RecordNo> Index::GroupOf(RecordNo record) const {
  if (!Knows(record)) return {};
  return MembersOf(records_[record].root);
}

Explanation Index::Explain(RecordNo a, RecordNo b) const {
  Explanation explanation;
  if (!Knows(a) || !Knows(b)) return explanation;
  const View of_a(records_[a].features.data()), of_b(records_[b].features.data());
  const Levels levels = Compare(of_a, of_b, model_->frequencies());
  const Score score = model_->Of(levels);
  explanation.evidence.push_back({"prior", "chance that two records are one person", model_->prior()});
  int32_t sum = model_->prior();
  for (int f = 0; f < kFields; ++f) {
    if (levels.of[f] == 0) continue;
    const int32_t weight = model_->WeightOf(static_cast<Field>(f), levels);
    sum += weight;
    explanation.evidence.push_back({AllFields()[f].name, AllFields()[f].levels[levels.of[f]].text, weight});
  }
  if (score.household != 0) {
    sum += score.household;
    explanation.evidence.push_back({"household", "may be another person of the same home", score.household});
  }
  if (score.weight != sum) {
    explanation.evidence.push_back({"rule", RuleText(score, score.weight - sum), score.weight - sum});
  }
  explanation.weight = score.weight;
  explanation.veto = VetoText(score.flags);
  std::vector<uint64_t> keys_a, keys_b, both;
  BlockKeys(of_a, keys_a);
  BlockKeys(of_b, keys_b);
  std::set_intersection(keys_a.begin(), keys_a.end(), keys_b.begin(), keys_b.end(), std::back_inserter(both));
  std::set<std::string> kinds;
  for (uint64_t key : both) {
    if (!model_->Stopped(key) && postings_.CountOf(key) <= model_->most_per_key())
      kinds.emplace(KeyKindName(KeyKind(key)));
  }
  explanation.keys.assign(kinds.begin(), kinds.end());
  for (const auto& place : decisions_.PlacesOf(a)) {
    for (const auto& other : decisions_.PlacesOf(b)) {
      if (other.assertion == place.assertion && other.side != place.side)
        explanation.veto = "a person said that they are different";
    }
  }
  return explanation;
}

std::vector<Match> Index::Find(const Features& probe, size_t most) const {
  if (probe.empty()) return {};
  const View view(probe.data());
  std::vector<uint64_t> keys;
  std::vector<RecordNo> candidates;
  BlockKeys(view, keys);
  std::erase_if(keys, [&](uint64_t key) { return model_->Stopped(key); });
  Candidates(~RecordNo{0}, keys, candidates);
  std::vector<Match> matches;
  for (RecordNo other : candidates) {
    const Score score = model_->Of(view, View(records_[other].features.data()));
    if (score.weight >= model_->review_weight()) matches.push_back({other, score.weight});
  }
  std::sort(matches.begin(), matches.end(), [&](const Match& a, const Match& b) {
    return a.weight != b.weight ? a.weight > b.weight : Before(a.record, b.record);
  });
  if (matches.size() > most) matches.resize(most);
  return matches;
}

std::vector<Review> Index::Reviews(const Review* after, size_t most) const {
  BringReviews();
  auto at = reviews_.begin();
  if (after != nullptr) {
    const auto key_of = [&](RecordNo record) { return record < records_.size() ? records_[record].key : 0; };
    at = reviews_.upper_bound({after->weight, key_of(after->a), key_of(after->b), after->a, after->b, 0, 0});
  }
  std::vector<Review> reviews;
  for (; at != reviews_.end() && reviews.size() < most; ++at) reviews.push_back({at->a, at->b, at->weight});
  return reviews;
}

uint64_t Index::ReviewCount() const {
  BringReviews();
  return reviews_.size();
}

// Both sides of a review find the same, so that its own group is enough.
std::vector<Review> Index::ReviewsOf(RecordNo record) const {
  if (!Knows(record)) return {};
  std::vector<ReviewKey> sorted = FindReviews(records_[record].root);
  std::sort(sorted.begin(), sorted.end());
  std::vector<Review> reviews;
  for (const auto& review : sorted) reviews.push_back({review.a, review.b, review.weight});
  return reviews;
}

void Index::ForEachGroup(absl::FunctionRef<void(const Group&)> visit) const {
  std::vector<RecordNo> roots;
  for (RecordNo record = 0; record < records_.size(); ++record) {
    if (Knows(record) && records_[record].root == record) roots.push_back(record);
  }
  std::sort(roots.begin(), roots.end(), [&](RecordNo a, RecordNo b) { return Before(a, b); });
  for (RecordNo root : roots) visit(Describe(MembersOf(root)));
}

void Index::ForEachRecord(absl::FunctionRef<void(RecordNo, uint64_t, const Features&)> visit) const {
  std::vector<RecordNo> all;
  for (RecordNo record = 0; record < records_.size(); ++record) {
    if (Knows(record)) all.push_back(record);
  }
  std::sort(all.begin(), all.end(), [&](RecordNo a, RecordNo b) { return Before(a, b); });
  for (RecordNo record : all) visit(record, records_[record].key, records_[record].features);
}

std::string Index::PartitionHash() const {
  std::string all;
  ForEachGroup([&](const Group& group) {
    for (const auto& member : group) {
      const uint64_t key = records_[member.record].key;
      for (int shift = 0; shift < 64; shift += 8) all.push_back(static_cast<char>(key >> shift));
    }
    all.append(8, '\xff');
  });
  return Sha256Hex(all);
}

IndexStats Index::stats() const {
  IndexStats stats;
  stats.records = known_;
  stats.edges = edges_;
  stats.groups = known_;
  for (const auto& [root, members] : members_) stats.groups -= members.size() - 1;
  stats.components = stats.groups;
  BringReviews();
  stats.reviews = reviews_.size();
  stats.retired_keys = postings_.FullerThan(model_->most_per_key());
  stats.candidates = compared_;
  constexpr size_t kFeatureBytes = 200;  // about: text, its control block, allocation
  stats.bytes = postings_.bytes() + records_.size() * (sizeof(Record) + kFeatureBytes) +
                edges_ * 2 * sizeof(Edge) + reviews_.size() * 2 * sizeof(ReviewKey);
  return stats;
}

void Index::Save(absl::FunctionRef<void(std::string_view)> write) const {
  Sink sink(write);
  sink.Text(kMagic);
  sink.Number(static_cast<uint64_t>(model_->auto_weight()));
  sink.Number(static_cast<uint64_t>(static_cast<int64_t>(model_->prior())));
  sink.Number(records_.size());
  sink.Number(known_);
  for (RecordNo record = 0; record < records_.size(); ++record) {
    if (!Knows(record)) continue;
    sink.Number(record);
    sink.Number(records_[record].key);
    sink.Text(records_[record].features.data().bytes);
  }
  sink.Number(edges_);
  for (RecordNo record = 0; record < records_.size(); ++record) {
    for (const Edge& edge : records_[record].edges) {
      if (edge.other < record) continue;
      sink.Number(uint64_t{record} << 32 | edge.other);
      sink.Number(static_cast<uint64_t>(static_cast<uint32_t>(static_cast<int32_t>(edge.weight))) << 2 |
                  uint64_t{edge.rule} << 1 | edge.never);
    }
  }
  sink.Number(decisions_.all().size());
  for (const auto& [id, assertion] : decisions_.all()) {
    sink.Number(id);
    sink.Number(assertion.sides.size());
    for (const auto& side : assertion.sides) {
      sink.Number(side.size());
      for (RecordNo record : side) sink.Number(record);
    }
  }
  sink.End();
}

absl::Status Index::Restore(absl::FunctionRef<bool(std::string&)> read) {
  Tap tap(read);
  if (tap.Text() != kMagic) return Broken();
  if (tap.Number() != static_cast<uint64_t>(model_->auto_weight())) return Broken();
  if (tap.Number() != static_cast<uint64_t>(static_cast<int64_t>(model_->prior()))) return Broken();
  const uint64_t size = tap.Number(), known = tap.Number();
  if (!tap.whole() || size > ~RecordNo{0} || known > size) return Broken();
  records_.resize(size);
  std::vector<uint64_t> keys, overfull;
  for (uint64_t at = 0; at < known; ++at) {
    const uint64_t record = tap.Number(), key = tap.Number();
    std::string bytes = tap.Text();
    if (!tap.whole() || record >= size) return Broken();
    records_[record].key = key;
    records_[record].root = static_cast<RecordNo>(record);
    records_[record].features = Features::From(bytes);
    BlockKeys(View(records_[record].features.data()), keys);
    AddKeys(static_cast<RecordNo>(record), keys, &overfull);
    ++known_;
    Touch(static_cast<RecordNo>(record));
  }
  const uint64_t edges = tap.Number();
  for (uint64_t at = 0; at < edges; ++at) {
    const uint64_t ends = tap.Number(), about = tap.Number();
    if (!tap.whole() || ends >> 32 >= size || (ends & 0xFFFFFFFFu) >= size) return Broken();
    Score score;
    score.weight = static_cast<int32_t>(about >> 2);
    score.rule = (about >> 1 & 1) != 0;
    if ((about & 1) != 0) score.flags = kNever;
    AddEdge(static_cast<RecordNo>(ends >> 32), static_cast<RecordNo>(ends), score);
  }
  const uint64_t decisions = tap.Number();
  for (uint64_t at = 0; at < decisions && tap.whole(); ++at) {
    const uint64_t id = tap.Number(), sides = tap.Number();
    Assertion assertion;
    for (uint64_t side = 0; side < sides && tap.whole(); ++side) {
      auto& records = assertion.sides.emplace_back();
      const uint64_t many = tap.Number();
      for (uint64_t one = 0; one < many && tap.whole(); ++one)
        records.push_back(static_cast<RecordNo>(tap.Number()));
    }
    decisions_.Add(id, std::move(assertion));
  }
  if (!tap.End()) return Broken();
  Settle();
  journal_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<LinkIndex>> LinkIndex::Load(std::shared_ptr<const Model> model,
                                                           absl::FunctionRef<bool(std::string&)> read) {
  auto index = std::make_unique<Index>(std::static_pointer_cast<const ModelData>(std::move(model)));
  if (auto status = index->Restore(read); !status.ok()) return status;
  return std::unique_ptr<LinkIndex>(std::move(index));
}

}  // namespace pharos::customer::identity
