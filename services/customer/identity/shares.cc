#include "services/customer/identity/shares.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace pharos::customer::identity {

namespace {

using Row = std::vector<double>;

Row NameShares(const Row& given, const Row& family, double swapped) {
  Row shares(AllFields()[kFieldName].levels.size());
  for (size_t g = 0; g < given.size(); ++g) {
    for (size_t f = 0; f < family.size(); ++f) shares[g * kFamilies + f] = given[g] * family[f];
  }
  shares[kNameSwapped] = swapped, shares[kNameSwappedNearly] = swapped / 5;
  return shares;
}

Shares SameShares() {
  Shares s;
  s[kFieldName] = NameShares({1, .82, .06, .02, .06, .01, .03}, {1, .86, .06, .01, .07}, .015);
  s[kFieldMiddle] = {1, .8, .1, .1};
  s[kFieldBirth] = {1, .88, .02, .03, .03, .01, .03, .9, .1};
  s[kFieldSex] = {1, .98, .02, .95, .05};
  s[kFieldEmail] = {1, .55, .02, .03, .40, .60, .02, .03, .35, .30, .05, .02, .63};
  s[kFieldPhone] = {1, .65, .03, .02, .30, .65, .03, .02, .30, .30, .05, .02, .63};
  s[kFieldPostcode] = {1, .78, .03, .03, .04, .12};
  s[kFieldAddress] = {1, .80, .10, .05, .05, .50, .15, .05, .30};
  s[kFieldTown] = {1, .85, .10, .05, .50, .10, .40};
  s[kFieldNhsNumber] = {1, .98, .005, .015};
  s[kFieldNationalId] = {1, .9, .07, .03};
  s[kFieldOrganisation] = {1, .5, .5};
  return s;
}

Shares HouseholdShares() {
  Shares s;
  s[kFieldName] = NameShares({1, .001, .0003, .001, .0006, .03, .9671}, {1, .75, .05, .02, .18}, 1e-5);
  s[kFieldMiddle] = {1, .02, .08, .9};
  s[kFieldBirth] = {1, .02, .0002, .002, .015, .03, .93, .03, .97};
  s[kFieldSex] = {1, .9, .1, .45, .55};
  s[kFieldEmail] = {1, .12, .001, .001, .878, .12, .001, .001, .878, .12, .001, .001, .878};
  s[kFieldPhone] = {1, .12, .001, .001, .878, .12, .001, .001, .878, .12, .001, .001, .878};
  s[kFieldPostcode] = {1, .85, .03, .01, .01, .10};
  s[kFieldAddress] = {1, .85, .08, .03, .04, .50, .15, .05, .30};
  s[kFieldTown] = {1, .85, .10, .05, .50, .10, .40};
  s[kFieldNhsNumber] = {1, 1e-4, .001, .999};
  s[kFieldNationalId] = {1, 1e-5, 1e-4, 1};
  s[kFieldOrganisation] = {1, .02, .98};
  return s;
}

Shares StrangerShares(double records) {
  const double one = 0.1 / records;
  Shares s;
  s[kFieldName] = NameShares({1, .008, .002, .003, .004, .03, .953}, {1, .004, .002, .03, .964}, 1e-5);
  s[kFieldMiddle] = {1, .02, .08, .9};
  s[kFieldBirth] = {1, 4e-5, 2e-5, .0012, .004, .037, .957, .015, .985};
  s[kFieldSex] = {1, .95, .05, .48, .52};
  s[kFieldEmail] = {1, one, 1e-5, one, 1, one, 1e-5, one, 1, one, 1e-5, one, 1};
  s[kFieldPhone] = {1, one, 2e-5, one, 1, one, 2e-5, one, 1, one, 2e-5, one, 1};
  s[kFieldPostcode] = {1, 4e-4, 1e-4, .002, .02, .98};
  s[kFieldAddress] = {1, .05, .30, .05, .60, 1e-4, .001, .01, .99};
  s[kFieldTown] = {1, .7, .1, .2, .01, .003, .987};
  s[kFieldNhsNumber] = {1, one / 10, one, 1};
  s[kFieldNationalId] = {1, one, 10 * one, 1};
  s[kFieldOrganisation] = {1, .01, .99};
  return s;
}

int32_t Weight(double above, double below) {
  constexpr double kMost = 30;  // bits
  return static_cast<int32_t>(std::lround(std::clamp(std::log2(above / below), -kMost, kMost) * kBit));
}

void AddField(record::v1::LinkModel& row, const std::string& name, const std::vector<int32_t>& weights) {
  auto* field = row.add_fields();
  field->set_field(name);
  field->mutable_weights()->Add(weights.begin(), weights.end());
}

std::vector<int32_t> Against(const Row& above, const Row& below) {
  std::vector<int32_t> weights(above.size());
  for (size_t at = 1; at < above.size(); ++at) weights[at] = Weight(above[at], below[at]);
  return weights;
}

}  // namespace

void Normalise(Field field, std::vector<double>& shares) {
  const auto& levels = AllFields()[field].levels;
  std::map<int, double> sums;
  for (size_t at = 0; at < shares.size(); ++at) sums[levels[at].group] += shares[at];
  for (size_t at = 0; at < shares.size(); ++at) {
    const double sum = sums[levels[at].group];
    if (sum > 0) shares[at] /= sum;
  }
}

Estimate FirstGuess(double records) {
  Estimate guess;
  guess.shares = {SameShares(), HouseholdShares(), StrangerShares(records)};
  for (auto& shares : guess.shares) {
    for (int f = 0; f < kFields; ++f) Normalise(static_cast<Field>(f), shares[f]);
  }
  guess.same = 1.6 / records;
  guess.household = 3.0 / records;
  guess.base = {std::log2(.008), std::log2(.004), std::log2(4e-4), -std::log2(records), -std::log2(records)};
  guess.floor = {-15, -15, -15, -15, -15};
  return guess;
}

void WriteWeights(const Estimate& estimate, record::v1::LinkModel& row) {
  const double strangers = 1 - estimate.same - estimate.household;
  row.clear_fields();
  row.set_prior(Weight(estimate.same, strangers));
  for (int f = 0; f < kFields; ++f) {
    const std::string& name = AllFields()[f].name;
    AddField(row, name, Against(estimate.shares[kSamePerson][f], estimate.shares[kStrangers][f]));
    AddField(row, "household:" + name,
             Against(estimate.shares[kSameHousehold][f], estimate.shares[kStrangers][f]));
  }
  AddField(row, "household:prior", {Weight(estimate.household, strangers)});
  for (int term = 0; term < kTerms; ++term) {
    AddField(row, "term:" + std::string(TermName(static_cast<Term>(term))),
             {static_cast<int32_t>(std::lround(estimate.base[term] * kBit)),
              static_cast<int32_t>(std::lround(estimate.floor[term] * kBit))});
  }
}

}  // namespace pharos::customer::identity
