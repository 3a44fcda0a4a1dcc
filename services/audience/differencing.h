// The guard against differencing: two answers about almost the same people tell of the few who differ. Keeps,
// for each principal, what was answered, and says of a new set of people whether it differs from an earlier
// one, or from a sum or difference of two earlier ones, by fewer people than may be told apart. Thread-safe.
// Bounded: the oldest are forgotten after kKeepUs, and a principal with more than kMostSets sets in that time
// has to wait.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/audience/disclosure.h"
#include "services/audience/people_set.h"
#include "services/base/mutex.h"

namespace pharos::audience {

// A set of people as 256 bytes: the parity of how many fall into each of 2,048 places by a secret hash of
// their number. Two sets that differ in d people have parities that differ in at most d places, and, but for
// people who share a place, in d. The parity of a sum of two sets without people in common, or of a
// difference from a larger one, is the exclusive or of theirs.
struct SetSketch {
  static constexpr size_t kWords = 32;
  int64_t people = 0;
  uint64_t question = 0;  // a hash of what was asked; the same people may come of several questions
  std::array<uint64_t, kWords> parity{};
};

class DifferencingGuard {
 public:
  static constexpr int64_t kKeepUs = 30ll * 24 * 3600 * 1'000'000;
  static constexpr size_t kMostSets = 20'000;  // 6 MB a principal

  DifferencingGuard();

  // The same while this guard lives. `question`: what was asked, to know it again.
  SetSketch SketchOf(const PeopleSet& people, std::string_view question) const;

  // May these be told to this principal, all together? `threshold`: fewest people whose difference may be
  // told. In their order:
  //   kNothing   may be told, and is remembered. A set equal to an earlier one always may.
  //   kAsBefore  almost an earlier set of the same question: people have changed since. What was told then
  //   may
  //              be told again, which tells nothing new.
  //   kNot       almost an earlier set of another question, or almost a sum or difference of two. Of which,
  //   is
  //              not said: that alone would tell how many lie between two others.
  // RESOURCE_EXHAUSTED QUESTIONS_EXHAUSTED: more new sets than are kept for one principal.
  absl::StatusOr<std::vector<Earlier>> Admit(const std::string& principal, const std::vector<SetSketch>& sets,
                                             int64_t threshold, int64_t now_us);
  // Remembers a set that was told as `people` at `told_us`, without asking: after a restart.
  void Remember(const std::string& principal, SetSketch set, int64_t people, int64_t told_us);
  // Bytes kept.
  size_t Bytes() const;

 private:
  struct Kept {
    SetSketch set;
    int64_t told = 0;     // what its number was when it was told
    int64_t time_us = 0;  // when
  };
  // A principal's sets, ascending by how many people are in them.
  struct Entry {
    int64_t people = 0;
    std::unique_ptr<Kept> kept;
  };
  using Sets = std::vector<Entry>;

  static size_t FirstOver(const Sets& sets, int64_t people);
  static bool Knows(const Sets& sets, const SetSketch& set);
  static void Add(Sets& sets, Kept kept);
  static Earlier Judge(const Sets& sets, const SetSketch& set, int64_t threshold);
  static bool NearSum(const Sets& sets, const SetSketch& set, int64_t threshold);
  static bool NearDifference(const Sets& sets, const SetSketch& set, int64_t threshold);

  const uint64_t seed_;
  mutable base::Mutex mutex_;
  std::map<std::string, Sets> sets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace pharos::audience
