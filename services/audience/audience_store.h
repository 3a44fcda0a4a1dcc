// Saved audiences on disk. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/audience.pb.h"
#include "storage/store.h"

namespace pharos::audience {

class AudienceStore {
 public:
  explicit AudienceStore(storage::Store& store) : store_(store) {}

  // ALREADY_EXISTS if the name is taken.
  absl::Status Add(storage::Transaction& tx, const record::v1::AudienceRow& row) const;
  // NOT_FOUND; also for a name of another shape.
  absl::StatusOr<record::v1::AudienceRow> Load(std::string_view name) const;
  // At most `most` rows whose ids come after `after`, by id.
  absl::StatusOr<std::vector<record::v1::AudienceRow>> List(std::string_view after, size_t most) const;

 private:
  storage::Store& store_;
};

}  // namespace pharos::audience
