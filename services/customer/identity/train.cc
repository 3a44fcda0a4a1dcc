#include "services/customer/identity/train.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>

#include "services/base/errors.h"
#include "services/customer/identity/index.h"
#include "services/customer/identity/shares.h"
#include "services/customer/identity/text.h"

namespace pharos::customer::identity {

namespace {

constexpr uint64_t kFewestRecords = 1000;
constexpr uint64_t kRandomPairs = 2'000'000;  // enough for shares of one in a hundred thousand
constexpr int kRounds = 40;                   // EM has settled long before
constexpr size_t kMostTerms = 20'000;         // of one kind in a model; rarer ones count as rare
constexpr uint32_t kFewestOfATerm = 5;        // seen less often, a share is a guess
constexpr uint32_t kFewestSharers = 4;        // initials at one contact: more than one person with slips has
constexpr double kSure = 20;  // pairs that the first guess counts for, in each group of levels
constexpr uint32_t kMostPerKey = 100;
constexpr double kUnits = 4294967296.0;  // 2^32

// What pairs have in common as far as training looks: levels, and how rare what they share is, in bits.
struct Pattern {
  std::array<uint8_t, kFields> levels{};
  int8_t rare_same = 0, rare_household = 0;
  uint8_t never = 0;
  auto operator<=>(const Pattern&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const Pattern& pattern) {
    return H::combine(std::move(state), pattern.levels, pattern.rare_same, pattern.rare_household,
                      pattern.never);
  }
};
using Counts = absl::flat_hash_map<Pattern, uint64_t>;
using Sorted = std::vector<std::pair<Pattern, double>>;

struct Sample {
  std::vector<Features> records;  // in order of keys
  std::vector<RecordNo> numbers;
};

// Terms: how often each is seen, and what that makes of agreeing on one.
struct Terms {
  Frequencies frequencies;
  std::vector<std::pair<uint64_t, uint32_t>> listed;  // sorted by hash
  std::array<double, kTerms> base{}, floor{};
};

uint32_t Share(double share) {
  return static_cast<uint32_t>(std::clamp(share * kUnits, 1.0, kUnits - 1));
}

void ListNames(Term term, const std::unordered_map<uint64_t, uint32_t>& counts, double records,
               Terms& terms) {
  double sum = 0, squares = 0;
  std::vector<std::pair<uint32_t, uint64_t>> order;
  for (const auto& [hash, count] : counts) {
    sum += count, squares += static_cast<double>(count) * count;
    if (count >= kFewestOfATerm) order.emplace_back(count, hash);
  }
  std::sort(order.rbegin(), order.rend());
  if (order.size() > kMostTerms) order.resize(kMostTerms);
  // Half of all records do not say, perhaps: shares are of those that do.
  const double total = std::max(sum, 1.0);
  double rest = sum, rest_squares = squares;
  for (const auto& [count, hash] : order) {
    terms.listed.emplace_back(hash, Share(count / total));
    rest -= count, rest_squares -= static_cast<double>(count) * count;
  }
  terms.base[term] = std::log2(std::max(squares / (total * total), 1 / (total * total)));
  const double typical = rest > 0 ? rest_squares / rest / total : 1 / total;
  terms.floor[term] = std::log2(std::max(typical, 1.0 / records));
}

void ListPlaces(const std::unordered_map<uint64_t, uint32_t>& counts, Terms& terms) {
  double sum = 0, squares = 0;
  for (const auto& [hash, count] : counts) sum += count, squares += static_cast<double>(count) * count;
  const double total = std::max(sum, 1.0), mean = std::max(squares / (total * total), 1 / (total * total));
  std::vector<std::pair<uint32_t, uint64_t>> order;
  for (const auto& [hash, count] : counts) {
    if (count / total > 4 * mean && count >= kFewestOfATerm) order.emplace_back(count, hash);
  }
  std::sort(order.rbegin(), order.rend());
  if (order.size() > kMostTerms) order.resize(kMostTerms);
  for (const auto& [count, hash] : order) terms.listed.emplace_back(hash, Share(count / total));
  terms.base[kTermPostcode] = std::log2(mean);
  terms.floor[kTermPostcode] = terms.base[kTermPostcode];
}

// Contacts of many: each initial of a given name counts once.
void ListContacts(Term term, const std::unordered_map<uint64_t, uint64_t>& initials, double records,
                  Terms& terms) {
  std::vector<std::pair<uint32_t, uint64_t>> order;
  for (const auto& [hash, letters] : initials) {
    const auto many = static_cast<uint32_t>(std::popcount(letters));
    if (many >= kFewestSharers) order.emplace_back(many, hash);
  }
  std::sort(order.rbegin(), order.rend());
  if (order.size() > kMostTerms) order.resize(kMostTerms);
  for (const auto& [many, hash] : order) terms.listed.emplace_back(hash, Share(many / records));
  terms.base[term] = -std::log2(records);
  terms.floor[term] = terms.base[term];
}

Terms CountTerms(const Sample& sample) {
  std::unordered_map<uint64_t, uint32_t> given, family, postcode;
  std::unordered_map<uint64_t, uint64_t> email, phone;
  for (const auto& features : sample.records) {
    const View view(features.data());
    uint64_t initial = 0;
    if (!view.names.empty()) {
      const NameView& name = view.names[0];
      if (!name.given.empty()) ++given[TermHash(kTermGiven, name.given)];
      if (!name.family.empty()) ++family[TermHash(kTermFamily, name.family)];
      if (!name.given.empty()) initial = uint64_t{1} << (static_cast<unsigned char>(name.given[0]) & 63);
    }
    if (!view.of[kPostcode].empty()) ++postcode[TermHash(kTermPostcode, view.of[kPostcode][0])];
    for (const auto& value : view.of[kEmail]) email[TermHash(kTermEmail, value)] |= initial;
    for (const auto& value : view.of[kPhone]) phone[TermHash(kTermPhone, value)] |= initial;
  }
  Terms terms;
  const auto records = static_cast<double>(sample.records.size());
  ListNames(kTermGiven, given, records, terms);
  ListNames(kTermFamily, family, records, terms);
  ListPlaces(postcode, terms);
  ListContacts(kTermEmail, email, records, terms);
  ListContacts(kTermPhone, phone, records, terms);
  std::sort(terms.listed.begin(), terms.listed.end());
  for (const auto& [hash, share] : terms.listed) terms.frequencies.Set(hash, share);
  return terms;
}

double Rarity(Term term, const Levels& levels, const Terms& terms) {
  const uint64_t hash = levels.terms[term];
  if (hash == 0) return 0;
  const uint32_t share = terms.frequencies.Of(hash);
  const double bits = share == 0 ? 0 : Log2Share(share) / static_cast<double>(kBit);
  if (term == kTermGiven || term == kTermFamily)
    return terms.base[term] - (share == 0 ? terms.floor[term] : bits);
  return share == 0 ? 0 : std::min(0.0, terms.base[term] - bits);
}

Pattern PatternOf(const View& a, const View& b, const Terms& terms) {
  const Levels levels = Compare(a, b, terms.frequencies);
  Pattern pattern;
  pattern.levels = levels.of;
  double household = 0;
  for (Term term : {kTermFamily, kTermPostcode, kTermEmail, kTermPhone})
    household += Rarity(term, levels, terms);
  pattern.rare_household = static_cast<int8_t>(std::lround(household));
  pattern.rare_same = static_cast<int8_t>(std::lround(household + Rarity(kTermGiven, levels, terms)));
  pattern.never = (levels.flags & kNever & ~kDoubtful) != 0 ? 2 : (levels.flags & kDoubtful) != 0 ? 1 : 0;
  return pattern;
}

// Slices of [0, size) on threads; each thread counts for itself, and sums of whole numbers do not depend on
// who counted.
template <class Work>
Counts InParallel(size_t size, int threads, const Work& work) {
  constexpr size_t kSlice = 1024;
  std::atomic<size_t> next{0};
  std::vector<Counts> counts(static_cast<size_t>(std::max(threads, 1)));
  const auto run = [&](Counts& own) {
    for (size_t first = next.fetch_add(kSlice); first < size; first = next.fetch_add(kSlice)) {
      for (size_t at = first; at < std::min(size, first + kSlice); ++at) work(at, own);
    }
  };
  std::vector<std::thread> pool;
  for (size_t number = 1; number < counts.size(); ++number)
    pool.emplace_back([&, number] { run(counts[number]); });
  run(counts[0]);
  for (auto& thread : pool) thread.join();
  for (size_t number = 1; number < counts.size(); ++number) {
    for (const auto& [pattern, count] : counts[number]) counts[0][pattern] += count;
  }
  return std::move(counts[0]);
}

Sorted InOrder(const Counts& counts) {
  Sorted sorted;
  sorted.reserve(counts.size());
  for (const auto& [pattern, count] : counts) sorted.emplace_back(pattern, static_cast<double>(count));
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// Shares of levels among random pairs: nearly all are strangers.
struct Random {
  Shares seen;  // counts
  double pairs = 0;
};

Random RandomPairs(const Sample& sample, const Terms& terms, const TrainOptions& options) {
  const uint64_t records = sample.records.size(), all = records * (records - 1) / 2;
  const uint64_t pairs = std::min(all, kRandomPairs);
  const auto counts = InParallel(pairs, options.threads, [&](size_t at, Counts& own) {
    uint64_t a = 0, b = 0;
    if (all <= kRandomPairs) {
      // Every pair once: row by row.
      a = static_cast<uint64_t>((1 + std::sqrt(1 + 8.0 * static_cast<double>(at))) / 2);
      while (a * (a - 1) / 2 > at) --a;
      while ((a + 1) * a / 2 <= at) ++a;
      b = at - a * (a - 1) / 2;
    } else {
      const uint64_t drawn = Mix(options.seed, at);
      a = drawn % records, b = Mix(drawn, at) % (records - 1);
      b += b >= a;
    }
    Pattern pattern = PatternOf(View(sample.records[a].data()), View(sample.records[b].data()), terms);
    pattern.rare_same = pattern.rare_household = 0;
    ++own[pattern];
  });
  Random random;
  random.pairs = static_cast<double>(pairs);
  for (int f = 0; f < kFields; ++f) random.seen[f].assign(AllFields()[f].levels.size(), 0);
  for (const auto& [pattern, count] : InOrder(counts)) {
    for (int f = 0; f < kFields; ++f) random.seen[f][pattern.levels[f]] += count;
  }
  return random;
}

class Trainer {
 public:
  Trainer(double records, Random random, Sorted blocked, const Terms& terms)
      : all_pairs_(records * (records - 1) / 2),
        random_(std::move(random)),
        blocked_(std::move(blocked)),
        least_(0.001 / records),
        guess_(FirstGuess(records)),
        estimate_(guess_) {
    estimate_.base = terms.base, estimate_.floor = terms.floor;
    Strangers();
  }

  void Round() {
    std::array<Shares, kClasses> sums;
    for (auto& shares : sums) {
      for (int f = 0; f < kFields; ++f) shares[f].assign(AllFields()[f].levels.size(), 0);
    }
    std::array<double, kClasses> totals{};
    Logs();
    for (const auto& [pattern, count] : blocked_) {
      const auto chances = Chances(pattern);
      for (int c = 0; c < kClasses; ++c) {
        totals[c] += chances[c] * count;
        for (int f = 0; f < kFields; ++f) sums[c][f][pattern.levels[f]] += chances[c] * count;
      }
    }
    estimate_.same = std::max(totals[kSamePerson], 1.0) / all_pairs_;
    estimate_.household = std::max(totals[kSameHousehold], 1.0) / all_pairs_;
    for (Class c : {kSamePerson, kSameHousehold}) {
      for (int f = 0; f < kFields; ++f) {
        // What makes a household one: other given names, born on other days. Without this anchor the classes
        // may trade places.
        const bool anchor =
            c == kSameHousehold && (f == kFieldName || f == kFieldMiddle || f == kFieldBirth ||
                                    f == kFieldSex || f == kFieldNationalId || f == kFieldNhsNumber);
        if (!anchor) Update(c, static_cast<Field>(f), sums[c][f]);
      }
    }
    for (int f = 0; f < kFields; ++f) {
      related_[f].resize(sums[kSamePerson][f].size());
      for (size_t l = 0; l < related_[f].size(); ++l)
        related_[f][l] = sums[kSamePerson][f][l] + sums[kSameHousehold][f][l];
    }
    Coincidences(sums[kStrangers]);
    Strangers();
  }

  const Estimate& estimate() const { return estimate_; }
  const Sorted& blocked() const { return blocked_; }

 private:
  void Logs() {
    for (int c = 0; c < kClasses; ++c) {
      for (int f = 0; f < kFields; ++f) {
        logs_[c][f].resize(estimate_.shares[c][f].size());
        for (size_t l = 1; l < logs_[c][f].size(); ++l) logs_[c][f][l] = std::log2(estimate_.shares[c][f][l]);
        logs_[c][f][0] = 0;
      }
    }
  }

  std::array<double, kClasses> Chances(const Pattern& pattern) const {
    std::array<double, kClasses> logs = {std::log2(estimate_.same) + pattern.rare_same,
                                         std::log2(estimate_.household) + pattern.rare_household, 0};
    for (int c = 0; c < kClasses; ++c) {
      for (int f = 0; f < kFields; ++f) logs[c] += logs_[c][f][pattern.levels[f]];
    }
    const double most = std::max({logs[0], logs[1], logs[2]});
    double sum = 0;
    for (double& log : logs) sum += log = std::exp2(log - most);
    for (double& log : logs) log /= sum;
    return logs;
  }

  void Update(Class c, Field f, const std::vector<double>& sums) {
    auto& shares = estimate_.shares[c][f];
    for (size_t l = 1; l < shares.size(); ++l) shares[l] = sums[l] + kSure * guess_.shares[c][f][l];
    // Who shares a phone at home does so whatever their names are.
    if (c == kSameHousehold && (f == kFieldEmail || f == kFieldPhone)) {
      for (size_t l = 1; l <= 4; ++l)
        shares[l] = shares[l + 4] = shares[l + 8] = shares[l + 4] + shares[l + 8];
    }
    shares[0] = 1;
    Normalise(f, shares);
  }

  // Random pairs less the few among them that are not strangers. What is too rare to be seen among them stays
  // at its guess.
  void Strangers() {
    for (int f = 0; f < kFields; ++f) {
      const auto& levels = AllFields()[f].levels;
      auto& shares = estimate_.shares[kStrangers][f];
      const auto& guess = guess_.shares[kStrangers][f];
      std::map<int, double> group;
      for (size_t l = 1; l < shares.size(); ++l) group[levels[l].group] += random_.seen[f][l];
      const bool names = f == kFieldName;
      const auto product = names ? NameProduct() : std::vector<double>();
      for (size_t l = 1; l < shares.size(); ++l) {
        const double total = group[levels[l].group];
        const double known = related_[f].empty() ? 0 : related_[f][l] * random_.pairs / all_pairs_;
        double count = random_.seen[f][l] - known;
        // What the related pairs among them explain, within chance, is not the strangers'.
        if (known > 0.05 && count < 3 * std::sqrt(known) + 1) count = 0;
        const double start = names ? product[l] : guess[l];
        if (counted_[f].contains(l)) count = 0;
        shares[l] = (std::max(count, 0.0) + kSure * start) / (total + kSure);
        // Chance agreement that a sample cannot show: at least the guess, or for names what they make without
        // each other.
        if (!names || count == 0) shares[l] = std::max(shares[l], start);
      }
      Normalise(static_cast<Field>(f), shares);
      if (names) LimitNames();
    }
  }

  // A name that nearly agrees never says more than one that does.
  void LimitNames() {
    auto& strangers = estimate_.shares[kStrangers][kFieldName];
    const auto& same = estimate_.shares[kSamePerson][kFieldName];
    const auto limit = [&](int level, int exact) {
      const auto l = static_cast<size_t>(level), e = static_cast<size_t>(exact);
      strangers[l] = std::max(strangers[l], same[l] * strangers[e] / same[e]);
    };
    for (int family = 0; family < kFamilies; ++family) {
      for (int given = kGivenNickname; given <= kGivenDiffers; ++given) {
        limit(given * kFamilies + family, kGivenExact * kFamilies + family);
      }
    }
    for (int given = 0; given <= kGivenDiffers; ++given) {
      for (int family = kFamilyNear; family < kFamilies; ++family) {
        limit(given * kFamilies + family, given * kFamilies + kFamilyExact);
      }
    }
  }

  // Strangers that share a number or an address: so rare that random pairs do not show it, but all of them
  // share a key.
  void Coincidences(const Shares& strangers) {
    const auto count = [&](Field f, size_t level) {
      const auto& levels = AllFields()[f].levels;
      double group = 0;
      for (size_t l = 1; l < levels.size(); ++l) {
        if (levels[l].group == levels[level].group) group += random_.seen[f][l];
      }
      const double pairs = std::max(group / random_.pairs * all_pairs_, 1.0);
      // Half a pair more than were seen; not below what is believed.
      counted_[f].insert(level);
      guess_.shares[kStrangers][f][level] = std::clamp((strangers[f][level] + 0.5) / pairs, least_, 0.1);
    };
    for (size_t level : {size_t{1}, size_t{5}, size_t{9}})
      count(kFieldEmail, level), count(kFieldPhone, level);
    for (size_t level : {size_t{2}, size_t{6}, size_t{10}}) count(kFieldPhone, level);
    count(kFieldNhsNumber, 1);
    count(kFieldNationalId, 1);
  }

  // Strangers' given and family names do not depend on each other.
  std::vector<double> NameProduct() const {
    std::array<double, 7> given{};
    std::array<double, kFamilies> family{};
    double total = 0;
    const auto& seen = random_.seen[kFieldName];
    for (int g = 1; g < 7; ++g) {
      for (int f = 1; f < kFamilies; ++f) {
        const double count = seen[static_cast<size_t>(g * kFamilies + f)] + 0.2;
        given[static_cast<size_t>(g)] += count, family[static_cast<size_t>(f)] += count, total += count;
      }
    }
    std::vector<double> product = guess_.shares[kStrangers][kFieldName];
    for (int g = 1; g < 7; ++g) {
      for (int f = 1; f < kFamilies; ++f) {
        product[static_cast<size_t>(g * kFamilies + f)] =
            given[static_cast<size_t>(g)] / total * family[static_cast<size_t>(f)] / total;
      }
    }
    return product;
  }

  double all_pairs_;
  Random random_;
  Sorted blocked_;
  Shares related_;  // pairs of the same person or household at each level, as estimated last
  std::array<std::set<size_t>, kFields>
      counted_;   // levels whose coincidences are counted among pairs that share a key
  double least_;  // chance agreement that is still believed in
  Estimate guess_, estimate_;
  std::array<Shares, kClasses> logs_;
};

// Lowest weight from which on, by the model's own account, enough links are right; and where asking is worth
// a person's time.
void SetThresholds(const Sorted& blocked, double precision, record::v1::LinkModel& row) {
  auto model = ModelData::Make(row);
  if (!model.ok()) return;
  std::map<int32_t, std::pair<double, double>, std::greater<>> by_weight;  // pairs, right ones
  constexpr int32_t kStep = 64;
  for (const auto& [pattern, count] : blocked) {
    Levels levels;
    levels.of = pattern.levels;
    const int32_t weight =
        (*model)->Rough(levels, pattern.rare_same * kBit, pattern.rare_household * kBit) / kStep * kStep;
    if (pattern.never == 2 || weight < (pattern.never == 1 ? kDoubt : 0)) continue;
    auto& [pairs, right] = by_weight[weight];
    pairs += count;
    right += count / (1 + std::exp2(-weight / static_cast<double>(kBit)));
  }
  double pairs = 0, right = 0, review_pairs = 0, review_right = 0;
  int32_t least = kRuleWeight, review = 0;
  constexpr double kWorthAsking = 0.82;  // the model is more doubtful here than it need be
  for (const auto& [weight, of] : by_weight) {
    pairs += of.first, right += of.second;
    if (pairs > 0 && right / pairs >= precision)
      least = weight, row.set_predicted_precision_ppm(static_cast<uint32_t>(right / pairs * 1e6));
  }
  least = std::clamp(least, 7 * kBit, kRuleWeight);
  review = least - kReviewBelow;
  for (const auto& [weight, of] : by_weight) {
    auto* step = row.add_calibration();
    step->set_weight(weight);
    step->set_ppm(static_cast<uint32_t>(of.second / std::max(of.first, 1.0) * 1e6));
    if (weight >= least) continue;
    review_pairs += of.first, review_right += of.second;
    if (review_right / review_pairs >= kWorthAsking) review = weight;
  }
  row.set_auto_weight(least);
  row.set_review_weight(std::clamp(review, 0, least));
}

}  // namespace

absl::StatusOr<record::v1::LinkModel> Train(const LinkIndex& index, const TrainOptions& options) {
  const auto say = [&](std::string_view stage, double part) {
    if (options.progress) options.progress(stage, part);
  };
  Sample sample;
  index.ForEachRecord([&](RecordNo record, uint64_t, const Features& features) {
    sample.records.push_back(features);
    sample.numbers.push_back(record);
  });
  if (sample.records.size() < kFewestRecords) {
    return base::MakeError(absl::StatusCode::kFailedPrecondition, "TOO_FEW_RECORDS",
                           "A model needs at least a thousand records: use the shipped one until there are.");
  }
  say("frequencies", 0);
  const Terms terms = CountTerms(sample);
  say("random pairs", 0.1);
  Random random = RandomPairs(sample, terms, options);
  say("pairs that share a key", 0.3);
  const auto& known = static_cast<const Index&>(index);
  Sorted blocked = InOrder(InParallel(sample.records.size(), options.threads, [&](size_t at, Counts& own) {
    const View view(sample.records[at].data());
    known.ForEachCandidate(sample.numbers[at], [&](RecordNo other, const Features& features) {
      if (other < sample.numbers[at]) ++own[PatternOf(view, View(features.data()), terms)];
    });
  }));
  Trainer trainer(static_cast<double>(sample.records.size()), std::move(random), std::move(blocked), terms);
  for (int round = 0; round < kRounds; ++round) {
    say("weights", 0.6 + 0.4 * round / kRounds);
    trainer.Round();
  }
  record::v1::LinkModel row;
  row.set_layout(kLayout);
  row.set_records(sample.records.size());
  row.set_most_records_per_key(kMostPerKey);
  row.set_floor_frequency(Share(std::exp2(terms.floor[kTermGiven])));
  for (const auto& [hash, share] : terms.listed) (*row.mutable_term_frequency())[hash] = share;
  WriteWeights(trainer.estimate(), row);
  // A margin for what no model knows of itself.
  SetThresholds(trainer.blocked(), 1 - (1 - options.precision) * 0.8, row);
  return row;
}

double PredictedPrecision(const LinkIndex& index) {
  const auto [right, pairs] = static_cast<const Index&>(index).Expected();
  return pairs == 0 ? 1 : right / pairs;
}

}  // namespace pharos::customer::identity
