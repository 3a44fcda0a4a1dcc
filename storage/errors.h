// The errors of storage, by name. Each says what to do next; none holds a key or a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pharos::storage {

struct StoreErrors {
  // FAILED_PRECONDITION STORE_IN_USE. `pid` 0 = not known.
  static absl::Status InUse(const std::string& folder, int64_t pid);
  // FAILED_PRECONDITION STORE_FORMAT_NEWER.
  static absl::Status FormatNewer(const std::string& name, const std::string& folder, uint64_t found,
                                  uint64_t known);
  // FAILED_PRECONDITION STORE_FORMAT_OLDER.
  static absl::Status FormatOlder(const std::string& name, const std::string& folder, uint64_t found,
                                  uint64_t oldest);
  // FAILED_PRECONDITION STORE_FOLDER_UNUSABLE: it cannot be made or written.
  static absl::Status FolderUnusable(const std::string& folder, std::string_view cause);
  // DATA_LOSS STORE_DAMAGED.
  static absl::Status Damaged(const std::string& folder, std::string_view cause);
  // RESOURCE_EXHAUSTED (disk full) or UNAVAILABLE, STORE_FAILED.
  static absl::Status Failed(const std::string& folder, bool disk_full, std::string_view cause);
  // ABORTED STORE_BUSY.
  static absl::Status Busy(int attempts);
  // RESOURCE_EXHAUSTED STORE_TRANSACTION_TOO_LARGE.
  static absl::Status TransactionTooLarge(size_t bytes, size_t limit);
  // OUT_OF_RANGE CURSOR_TOO_OLD.
  static absl::Status CursorTooOld(uint64_t position, uint64_t last);
  // OUT_OF_RANGE CURSOR_TOO_OLD: the cursor is of another life of this store. The cure is the same.
  static absl::Status CursorAhead(uint64_t position, uint64_t last);
};

}  // namespace pharos::storage
