#include "services/audience/differencing.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "services/audience/errors.h"
#include "services/base/ids.h"

namespace pharos::audience {
namespace {

constexpr size_t kPlaces = SetSketch::kWords * 64;
constexpr size_t kBookkeeping = 16;  // of the allocator, for each set

// Pairs that are looked at for one set, a few nanoseconds each. Past it the set is not told: nobody has so
// many sets of the same size who does not try.
constexpr size_t kMostPairs = 20'000'000;

uint64_t RandomSeed() {
  uint64_t seed = 0;
  std::memcpy(&seed, base::RandomBytes16().data(), sizeof(seed));
  return seed;
}

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// In how many places the parities of `a`, `b` and `c` together are odd; stops counting at `enough`.
int64_t Odd(const SetSketch& a, const SetSketch& b, const SetSketch* c, int64_t enough) {
  int64_t odd = 0;
  for (size_t word = 0; word < SetSketch::kWords && odd < enough; ++word) {
    odd += std::popcount(a.parity[word] ^ b.parity[word] ^ (c == nullptr ? 0 : c->parity[word]));
  }
  return odd;
}

}  // namespace

DifferencingGuard::DifferencingGuard() : seed_(RandomSeed()) {}

SetSketch DifferencingGuard::SketchOf(const PeopleSet& people, std::string_view question) const {
  SetSketch sketch;
  std::memcpy(&sketch.question, base::Sha256(question).data(), sizeof(sketch.question));
  people.ForEach([&](PersonNo person) {
    const uint64_t place = Mix(seed_ + person * 0x9E3779B97F4A7C15u) % kPlaces;
    sketch.parity[place / 64] ^= uint64_t{1} << (place % 64);
    ++sketch.people;
    return true;
  });
  return sketch;
}

absl::StatusOr<std::vector<Earlier>> DifferencingGuard::Admit(const std::string& principal,
                                                              const std::vector<SetSketch>& sets,
                                                              int64_t threshold, int64_t now_us) {
  std::vector<Earlier> answers;
  base::MutexLock lock(mutex_);
  Sets& kept = sets_[principal];
  std::erase_if(kept, [&](const Entry& entry) { return entry.kept->time_us < now_us - kKeepUs; });
  for (const SetSketch& set : sets) {
    answers.push_back(Judge(kept, set, threshold));
    if (answers.back().kind != Earlier::Kind::kNothing || Knows(kept, set)) continue;
    if (kept.size() >= kMostSets) return AudienceErrors::QuestionsExhausted(kMostSets);
    Add(kept, {set, set.people, now_us});
  }
  return answers;
}

void DifferencingGuard::Remember(const std::string& principal, SetSketch set, int64_t people,
                                 int64_t told_us) {
  base::MutexLock lock(mutex_);
  Sets& kept = sets_[principal];
  if (kept.size() < kMostSets && !Knows(kept, set)) Add(kept, {set, people, told_us});
}

size_t DifferencingGuard::FirstOver(const Sets& sets, int64_t people) {
  const auto over = [](int64_t most, const Entry& entry) { return most < entry.people; };
  return std::upper_bound(sets.begin(), sets.end(), people, over) - sets.begin();
}

bool DifferencingGuard::Knows(const Sets& sets, const SetSketch& set) {
  for (size_t i = FirstOver(sets, set.people - 1); i < sets.size() && sets[i].people == set.people; ++i) {
    if (sets[i].kept->set.parity == set.parity) return true;
  }
  return false;
}

void DifferencingGuard::Add(Sets& sets, Kept kept) {
  const int64_t people = kept.set.people;
  const auto at = sets.begin() + static_cast<int64_t>(FirstOver(sets, people));
  sets.insert(at, Entry{people, std::make_unique<Kept>(std::move(kept))});
}

Earlier DifferencingGuard::Judge(const Sets& sets, const SetSketch& set, int64_t threshold) {
  const Kept* asked = nullptr;  // the same question, of almost the same people
  bool near = false;
  for (size_t i = FirstOver(sets, set.people - threshold);
       i < sets.size() && sets[i].people < set.people + threshold; ++i) {
    const Kept& kept = *sets[i].kept;
    const int64_t odd = Odd(set, kept.set, nullptr, threshold);
    if (odd >= threshold) continue;
    // The same people; told otherwise than now only if the rebuilt guard knows what was told before.
    if (odd == 0 && kept.told == set.people) return {};
    if (odd == 0) return {Earlier::Kind::kAsBefore, kept.told};
    near = true;
    if (kept.set.question == set.question) asked = &kept;
  }
  if (asked != nullptr) return {Earlier::Kind::kAsBefore, asked->told};
  if (near || NearSum(sets, set, threshold) || NearDifference(sets, set, threshold))
    return {Earlier::Kind::kNot, 0};
  return {};
}

// Whether the set is almost, but not quite, two others together. As the first grows, the second shrinks.
bool DifferencingGuard::NearSum(const Sets& sets, const SetSketch& set, int64_t threshold) {
  size_t pairs = 0, second = sets.size();
  for (size_t first = 0; first < sets.size() && sets[first].people <= set.people; ++first) {
    const int64_t other = set.people - sets[first].people;
    while (second > 0 && sets[second - 1].people > other - threshold) --second;
    for (size_t i = std::max(second, first + 1); i < sets.size() && sets[i].people < other + threshold; ++i) {
      if (++pairs > kMostPairs) return true;
      const int64_t odd = Odd(set, sets[first].kept->set, &sets[i].kept->set, threshold);
      if (odd > 0 && odd < threshold) return true;
    }
  }
  return false;
}

// Whether the set is almost, but not quite, one other without another. As the first grows, so does the
// second.
bool DifferencingGuard::NearDifference(const Sets& sets, const SetSketch& set, int64_t threshold) {
  size_t pairs = 0, second = 0;
  for (size_t first = FirstOver(sets, set.people); first < sets.size(); ++first) {
    const int64_t other = sets[first].people - set.people;
    while (second < sets.size() && sets[second].people <= other - threshold) ++second;
    for (size_t i = second; i < sets.size() && sets[i].people < other + threshold; ++i) {
      if (i == first) continue;
      if (++pairs > kMostPairs) return true;
      const int64_t odd = Odd(set, sets[first].kept->set, &sets[i].kept->set, threshold);
      if (odd > 0 && odd < threshold) return true;
    }
  }
  return false;
}

size_t DifferencingGuard::Bytes() const {
  base::MutexLock lock(mutex_);
  size_t bytes = 0;
  for (const auto& [principal, kept] : sets_) {
    bytes += principal.size() + kept.capacity() * sizeof(Entry) + kept.size() * (sizeof(Kept) + kBookkeeping);
  }
  return bytes;
}

}  // namespace pharos::audience
