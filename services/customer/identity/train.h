// A new model epoch from the records there are, without labels: random pairs give u, EM over blocked pairs
// gives m and the prior in three classes (the same person, one household, strangers), counts give term
// frequencies and the stop list, and the thresholds follow from the calibrated scores. Deterministic: the
// same records in any order and on any number of threads give the same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "services/customer/identity/link_index.h"

namespace pharos::customer::identity {

struct TrainOptions {
  uint64_t seed = 1;          // of the random pairs
  double precision = 0.9995;  // of everything linked without asking, as the model itself predicts it
  int threads = 2;
  std::function<void(std::string_view stage, double part)> progress;  // may be empty
};

// From the records in `index`. FAILED_PRECONDITION (TOO_FEW_RECORDS) below a thousand records.
absl::StatusOr<record::v1::LinkModel> Train(const LinkIndex& index, const TrainOptions& options);

// What the model itself expects of what it links without asking: share of pairs that are right.
double PredictedPrecision(const LinkIndex& index);

}  // namespace pharos::customer::identity
