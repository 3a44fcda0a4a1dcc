// Saved audiences on disk, every version of each. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/audience.pb.h"
#include "storage/store.h"

namespace pharos::audience {

inline constexpr uint32_t kMostVersions = 700;  // of one audience: all fit into one answer of 4 MiB

class AudienceStore {
 public:
  explicit AudienceStore(storage::Store& store) : store_(store) {}

  // The first version. ALREADY_EXISTS if the name is taken.
  absl::Status Add(storage::Transaction& tx, const record::v1::AudienceRow& row) const;
  // The newest version. NOT_FOUND; also for a name of another shape.
  absl::StatusOr<record::v1::AudienceRow> Load(storage::Transaction& tx, std::string_view name) const;
  absl::StatusOr<record::v1::AudienceRow> Load(std::string_view name) const;
  // `row` as the newest version, after `before`.
  void Update(storage::Transaction& tx, const record::v1::AudienceRow& before,
              const record::v1::AudienceRow& row) const;
  // At most `most` rows whose ids come after `after`, by id.
  absl::StatusOr<std::vector<record::v1::AudienceRow>> List(std::string_view after, size_t most) const;
  // Newest first, at most kMostVersions. NOT_FOUND.
  absl::StatusOr<std::vector<record::v1::AudienceRow>> Versions(std::string_view name) const;

  // What pseudonyms are derived from: 32 bytes, made when first asked for, never changed.
  absl::StatusOr<std::string> PseudonymSecret() const;

 private:
  storage::Store& store_;
};

}  // namespace pharos::audience
