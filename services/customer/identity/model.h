// A model epoch: everything that linking depends on besides the records and people's decisions. Frozen once
// made: levels and their weights (1/1024 bit, integers, so that every build and thread count agrees), term
// frequencies, blocking keys and the stop list of over-full ones, skip lists, thresholds. Two stores with the
// same records, decisions and epoch have the same people.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pharos/record/v1/identity.pb.h"

namespace pharos::customer::identity {

// Immutable, shared by all threads.
class Model {
 public:
  virtual ~Model() = default;
  // INVALID_ARGUMENT (MODEL_WRONG) for one that this program cannot use.
  static absl::StatusOr<std::shared_ptr<const Model>> From(record::v1::LinkModel row);
  // Ships with the program: trained on generated people, for use until there is one of the deployment's own.
  static std::shared_ptr<const Model> Default();

  virtual const record::v1::LinkModel& row() const = 0;
  // At least: link without asking. 1/1024 bit.
  virtual int32_t auto_weight() const = 0;
  // At least: ask a person.
  virtual int32_t review_weight() const = 0;
};

}  // namespace pharos::customer::identity
