// How often each level of each comparison is seen among pairs of a kind: what training estimates, and where
// it starts.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pharos/record/v1/identity.pb.h"
#include "services/customer/identity/compare.h"
#include "services/customer/identity/model_data.h"

namespace pharos::customer::identity {

enum Class : uint8_t { kSamePerson, kSameHousehold, kStrangers, kClasses };

// Share of pairs of a class at a level, within the level's group.
using Shares = std::array<std::vector<double>, kFields>;

struct Estimate {
  std::array<Shares, kClasses> shares;
  double same = 0;                     // share of all pairs of records that are one person's
  double household = 0;                // share that are of one household
  std::array<double, kTerms> base{};   // log2 of the chance that two strangers have the same value
  std::array<double, kTerms> floor{};  // log2 of the share of a value that is not listed
};

// Before anything is known, for `records` records: rates of British contact data as published and as
// generated people have them.
Estimate FirstGuess(double records);
// Sums to one within each group.
void Normalise(Field field, std::vector<double>& shares);
// Weights from shares; thresholds, frequencies and keys are the caller's.
void WriteWeights(const Estimate& estimate, record::v1::LinkModel& row);

}  // namespace pharos::customer::identity
