// Inside of Model: weights laid out for scoring.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "services/customer/identity/compare.h"
#include "services/customer/identity/model.h"

namespace pharos::customer::identity {

constexpr int32_t kBit = 1024;
constexpr uint32_t kLayout = 1;
// Weight of a deterministic rule, at least.
constexpr int32_t kRuleWeight = 20 * kBit;
// What a possible twin, or somebody born a generation apart, loses (as HMPPS has it for twins).
constexpr int32_t kDoubt = 5 * kBit;
// By how much the review weight lies below the auto weight, unless the calibration says otherwise.
constexpr int32_t kReviewBelow = 33 * kBit / 10;

// log2 of `share` in units of 2^-32; 1/1024 bit. The same in every build.
int32_t Log2Share(uint32_t share);
// log2(1 + 2^x).
int32_t SoftPlus(int32_t x);
std::string_view TermName(Term term);

struct Score {
  int32_t weight = 0;
  bool rule = false;  // a deterministic rule made it
  uint16_t flags = 0;
  int32_t cross = 0;      // without the prior of strangers: for joining groups
  int32_t household = 0;  // how much the possibility of another person of the same home takes off
};

class ModelData final : public Model {
 public:
  static absl::StatusOr<std::shared_ptr<const ModelData>> Make(record::v1::LinkModel row);

  const record::v1::LinkModel& row() const override { return row_; }
  int32_t auto_weight() const override { return row_.auto_weight(); }
  int32_t review_weight() const override { return row_.review_weight(); }

  const Frequencies& frequencies() const { return frequencies_; }
  Score Of(const Levels& levels) const;
  Score Of(const View& a, const View& b) const { return Of(Compare(a, b, frequencies_)); }
  // From levels alone, with what the rarity of the values adds.
  int32_t Rough(const Levels& levels, int32_t rare_same, int32_t rare_household) const;
  // What each field adds, term frequency included.
  int32_t WeightOf(Field field, const Levels& levels) const;
  int32_t prior() const { return row_.prior(); }
  bool Stopped(uint64_t key) const { return stop_keys_.contains(key); }
  uint32_t most_per_key() const { return row_.most_records_per_key(); }

 private:
  int32_t TermWeight(Term term, const Levels& levels) const;

  record::v1::LinkModel row_;
  std::array<std::vector<int32_t>, kFields> same_, household_;
  int32_t household_prior_ = 0;
  std::array<int32_t, kTerms> base_{}, floor_{};
  Frequencies frequencies_;
  absl::flat_hash_set<uint64_t> stop_keys_;
};

}  // namespace pharos::customer::identity
