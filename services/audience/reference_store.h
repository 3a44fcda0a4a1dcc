// Reference data on disk: each kind replaced as a whole. Chunks of a new generation are written first; the
// kind's own row comes last, so that what can be read is whole. One load at a time; reading is thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/record/v1/audience.pb.h"
#include "storage/store.h"

namespace pharos::audience {

// As ReferenceService's LoadReferenceRequest.Kind.
enum class ReferenceKind : uint64_t { kAreas = 1, kChanges = 2, kPostcodes = 3 };
inline constexpr ReferenceKind kReferenceKinds[] = {ReferenceKind::kAreas, ReferenceKind::kChanges,
                                                    ReferenceKind::kPostcodes};

class ReferenceStore {
 public:
  static constexpr int kChunkRows = 1000;

  explicit ReferenceStore(storage::Store& store) : store_(store) {}

  // What is loaded, by kind.
  absl::StatusOr<std::map<ReferenceKind, record::v1::ReferenceRow>> State() const;
  // All rows of all kinds.
  absl::StatusOr<std::vector<record::v1::ReferenceChunkRow>> ReadAll() const;
  // One chunk of a load that is not in force yet.
  absl::Status WriteChunk(ReferenceKind kind, uint64_t generation, uint64_t number,
                          const record::v1::ReferenceChunkRow& chunk) const;
  // From now on `row` is in force. `change` is the change-log entry.
  absl::Status Commit(ReferenceKind kind, const record::v1::ReferenceRow& row,
                      const std::string& change) const;
  // Drops what is not in force: earlier generations, and what a crash or a wrong row left.
  absl::Status DropRest() const;

 private:
  storage::Store& store_;
};

}  // namespace pharos::audience
