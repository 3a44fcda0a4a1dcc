// Questions that were asked and what was answered, on disk. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/audience.pb.h"
#include "storage/store.h"

namespace pharos::audience {

class QueryStore {
 public:
  explicit QueryStore(storage::Store& store) : store_(store) {}

  // On disk when this returns; questions of several callers share a sync. `change` is the change-log entry.
  absl::Status Keep(const record::v1::QueryRow& row, const std::string& change) const;
  // NOT_FOUND; also for a name of another shape.
  absl::StatusOr<record::v1::QueryRow> Load(std::string_view name) const;
  // Newest first: at most `most`, with ids before `before` (empty: from the newest on); of one principal if
  // one is named.
  absl::StatusOr<std::vector<record::v1::QueryRow>> List(std::string_view principal, std::string_view before,
                                                         size_t most) const;
  // Oldest first: those of a principal that were asked at `from_us` or later and whose ids come after
  // `after`, until `visit` returns false.
  absl::Status Each(std::string_view principal, int64_t from_us, std::string_view after,
                    const std::function<bool(const record::v1::QueryRow&)>& visit) const;

 private:
  absl::StatusOr<std::vector<std::string>> NewestIds(std::string_view principal, std::string_view before,
                                                     size_t most) const;

  storage::Store& store_;
};

}  // namespace pharos::audience
