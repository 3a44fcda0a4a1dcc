#include "services/customer/identity/model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "services/base/errors.h"
#include "services/customer/identity/default_model.h"
#include "services/customer/identity/model_data.h"

namespace pharos::customer::identity {

namespace {

// No model has weights beyond this; sums stay far from the end of int32.
constexpr int32_t kMostWeight = 64 * kBit;

absl::Status Wrong(std::string_view what) {
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "MODEL_WRONG",
      "The link model cannot be used (" + std::string(what) + "): train it again with this program.");
}

// Households this much rarer than repeated people explain nothing.
constexpr int32_t kFewHouseholds = 4 * kBit;

constexpr int kSteps = 1024;

const std::array<int32_t, kSteps + 1>& Logs() {
  static const auto* const table = [] {
    auto* made = new std::array<int32_t, kSteps + 1>;
    for (int i = 0; i <= kSteps; ++i)
      (*made)[i] = static_cast<int32_t>(std::lround(std::log2(1 + i / 1024.0) * kBit));
    return made;
  }();
  return *table;
}

constexpr int32_t kFarOff = 16 * kBit;
constexpr int32_t kStride = 32;

const std::vector<int32_t>& SoftPlusTable() {
  static const auto* const table = [] {
    auto* made = new std::vector<int32_t>;
    for (int32_t x = -kFarOff; x <= kFarOff; x += kStride) {
      made->push_back(static_cast<int32_t>(std::lround(std::log2(1 + std::exp2(x / 1024.0)) * kBit)));
    }
    return made;
  }();
  return *table;
}

using Weights = std::map<std::string, std::vector<int32_t>>;

absl::Status Take(const Weights& weights, const std::string& name, size_t size, std::vector<int32_t>& into) {
  const auto it = weights.find(name);
  if (it == weights.end() || it->second.size() != size) return Wrong("weights of " + name);
  into = it->second;
  const bool sane =
      std::all_of(into.begin(), into.end(), [](int32_t w) { return std::abs(w) <= kMostWeight; });
  return sane ? absl::OkStatus() : Wrong("size of the weights of " + name);
}

}  // namespace

int32_t Log2Share(uint32_t share) {
  if (share == 0) return -32 * kBit;
  const int top = 31 - std::countl_zero(share);
  const auto rest = static_cast<uint64_t>(share) - (uint64_t{1} << top);
  const auto step = static_cast<size_t>(top >= 10 ? rest >> (top - 10) : rest << (10 - top));
  return (top - 32) * kBit + Logs()[step];
}

int32_t SoftPlus(int32_t x) {
  if (x <= -kFarOff) return 0;
  if (x >= kFarOff) return x;
  const auto& table = SoftPlusTable();
  const auto at = static_cast<size_t>((x + kFarOff) / kStride);
  const int32_t rest = (x + kFarOff) % kStride;
  return table[at] + (table[at + 1] - table[at]) * rest / kStride;
}

std::string_view TermName(Term term) {
  static constexpr std::array<std::string_view, kTerms> kNames = {"given_name", "family_name", "postcode",
                                                                  "email", "phone"};
  return kNames[term];
}

absl::StatusOr<std::shared_ptr<const ModelData>> ModelData::Make(record::v1::LinkModel row) {
  if (row.layout() != kLayout) return Wrong("layout");
  auto model = std::make_shared<ModelData>();
  Weights weights;
  for (const auto& field : row.fields())
    weights[field.field()].assign(field.weights().begin(), field.weights().end());
  for (int f = 0; f < kFields; ++f) {
    const auto& info = AllFields()[f];
    PHAROS_RETURN_IF_ERROR(Take(weights, info.name, info.levels.size(), model->same_[f]));
    PHAROS_RETURN_IF_ERROR(Take(weights, "household:" + info.name, info.levels.size(), model->household_[f]));
  }
  std::vector<int32_t> some;
  PHAROS_RETURN_IF_ERROR(Take(weights, "household:prior", 1, some));
  model->household_prior_ = some[0];
  for (int term = 0; term < kTerms; ++term) {
    PHAROS_RETURN_IF_ERROR(Take(weights, "term:" + std::string(TermName(static_cast<Term>(term))), 2, some));
    model->base_[term] = some[0], model->floor_[term] = some[1];
  }
  if (row.most_records_per_key() < 2) return Wrong("most_records_per_key");
  if (row.review_weight() > row.auto_weight()) return Wrong("thresholds");
  for (const auto& [hash, share] : row.term_frequency()) model->frequencies_.Set(hash, share);
  model->stop_keys_.insert(row.stop_keys().begin(), row.stop_keys().end());
  model->row_ = std::move(row);
  return model;
}

int32_t ModelData::TermWeight(Term term, const Levels& levels) const {
  const uint64_t hash = levels.terms[term];
  if (hash == 0) return 0;
  const uint32_t share = frequencies_.Of(hash);
  if (term == kTermGiven || term == kTermFamily)
    return base_[term] - (share == 0 ? floor_[term] : Log2Share(share));
  return share == 0 ? 0 : std::min(0, base_[term] - Log2Share(share));
}

int32_t ModelData::WeightOf(Field field, const Levels& levels) const {
  int32_t weight = same_[field][levels.of[field]];
  if (field == kFieldName) weight += TermWeight(kTermGiven, levels) + TermWeight(kTermFamily, levels);
  if (field == kFieldPostcode) weight += TermWeight(kTermPostcode, levels);
  if (field == kFieldEmail) weight += TermWeight(kTermEmail, levels);
  if (field == kFieldPhone) weight += TermWeight(kTermPhone, levels);
  return weight;
}

Score ModelData::Of(const Levels& levels) const {
  int32_t same = row_.prior(), household = household_prior_;
  for (int f = 0; f < kFields; ++f) {
    if (levels.of[f] == 0) continue;
    same += same_[f][levels.of[f]];
    household += household_[f][levels.of[f]];
  }
  // A given name in common is as much of a coincidence inside a home as outside.
  same += TermWeight(kTermGiven, levels);
  for (Term term : {kTermFamily, kTermPostcode, kTermEmail, kTermPhone}) {
    const int32_t weight = TermWeight(term, levels);
    same += weight, household += weight;
  }
  Score score;
  score.flags = levels.flags;
  score.household = -SoftPlus(household);
  score.weight = same + score.household;
  // The prior is taken off for strangers only: how likely another person of the home is next to the same
  // person stays.
  score.cross = same - row_.prior() - SoftPlus(household - row_.prior());
  if ((levels.flags & kDoubtful) != 0) {
    const bool households = household_prior_ - row_.prior() > -kFewHouseholds;
    if (households) score.weight -= kDoubt;
    // Where the score is strong all the same, or the model knows of hardly any household that could explain
    // it, its word stands. Father and son of one name and home look alike in everything but this: a person
    // decides.
    if (!households) score.flags &= static_cast<uint16_t>(~kDoubtful);
    if (score.weight >= auto_weight()) score.flags &= static_cast<uint16_t>(~kPossibleTwins);
  }
  if ((levels.flags & kSameNumber) != 0 && (score.flags & kNever) == 0) {
    score.rule = true;
    score.weight = std::max(score.weight, kRuleWeight);
  }
  if ((levels.flags & kWeakNumber) != 0) score.weight = std::max(score.weight, review_weight());
  return score;
}

int32_t ModelData::Rough(const Levels& levels, int32_t rare_same, int32_t rare_household) const {
  int32_t same = row_.prior() + rare_same, household = household_prior_ + rare_household;
  for (int f = 0; f < kFields; ++f) {
    if (levels.of[f] == 0) continue;
    same += same_[f][levels.of[f]], household += household_[f][levels.of[f]];
  }
  return same - SoftPlus(household);
}

absl::StatusOr<std::shared_ptr<const Model>> Model::From(record::v1::LinkModel row) {
  auto made = ModelData::Make(std::move(row));
  if (!made.ok()) return made.status();
  return std::shared_ptr<const Model>(*std::move(made));
}

std::shared_ptr<const Model> Model::Default() {
  static const auto* const model = [] {
    auto made = ModelData::Make(DefaultRow());
    return new std::shared_ptr<const Model>(made.ok() ? *std::move(made) : nullptr);
  }();
  return *model;
}

}  // namespace pharos::customer::identity
