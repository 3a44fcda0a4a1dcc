// The errors of the SQL engine, by name, beside those that all engines share (storage/errors.h). Each says
// what to do next; none holds a key, a value or a password.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pharos::storage::sql {

// `name`: of the store, which is the schema's name too.
struct SqlErrors {
  // UNAVAILABLE STORE_AWAY: the database does not answer. Nothing was written.
  static absl::Status Away(std::string_view name, std::string_view cause);
  // UNAVAILABLE STORE_AWAY: the connection died while a commit was under way, and the database has not come
  // back to say whether it was kept.
  static absl::Status OutcomeUnknown(std::string_view name);
  // FAILED_PRECONDITION STORE_IN_USE. `holder`: a sentence's part, "process 7 on host a".
  static absl::Status InUse(std::string_view name, std::string_view holder);
  // FAILED_PRECONDITION STORE_IN_USE: another process has taken the store over from this one.
  static absl::Status Fenced(std::string_view name);
  // FAILED_PRECONDITION STORE_REFUSED: the database refuses what Pharos needs (rights, settings).
  static absl::Status Refused(std::string_view name, std::string_view cause);
  // INVALID_ARGUMENT STORE_KEY_TOO_LONG.
  static absl::Status KeyTooLong(size_t bytes, size_t limit);
  // ABORTED STORE_BUSY: a view or transaction has lived for so long that its state is no longer held.
  static absl::Status StateTooOld();
};

}  // namespace pharos::storage::sql
