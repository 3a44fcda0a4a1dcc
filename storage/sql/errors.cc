#include "storage/sql/errors.h"

#include "fmt/format.h"
#include "services/base/errors.h"

namespace pharos::storage::sql {

using base::MakeError;

absl::Status SqlErrors::Away(std::string_view name, std::string_view cause) {
  return MakeError(
      absl::StatusCode::kUnavailable, "STORE_AWAY",
      fmt::format("The database that holds the {} store does not answer ({}). Nothing was written. Start "
                  "the database or mend the way to it; Pharos connects again by itself.",
                  name, cause),
      {{"store", std::string(name)}});
}

absl::Status SqlErrors::OutcomeUnknown(std::string_view name) {
  return MakeError(
      absl::StatusCode::kUnavailable, "STORE_AWAY",
      fmt::format("The connection to the database that holds the {} store was lost while a change was being "
                  "committed, and the database has not come back to say whether it was kept. Once it is "
                  "back, send the request again with the same request id: it is not done twice.",
                  name),
      {{"store", std::string(name)}, {"outcome", "unknown"}});
}

absl::Status SqlErrors::InUse(std::string_view name, std::string_view holder) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "STORE_IN_USE",
      fmt::format("The {} store in the database is in use by {}. Stop that process first, or start this one "
                  "with another database.",
                  name, holder),
      {{"store", std::string(name)}, {"holder", std::string(holder)}});
}

absl::Status SqlErrors::Fenced(std::string_view name) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "STORE_IN_USE",
      fmt::format("Another process has taken over the {} store in the database: this one is fenced off and "
                  "neither reads nor writes it any more. Stop this process.",
                  name),
      {{"store", std::string(name)}});
}

absl::Status SqlErrors::Refused(std::string_view name, std::string_view cause) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "STORE_REFUSED",
      fmt::format("The database refused what the {} store needs ({}). Check that the database user may make "
                  "and write the schema, and look into the database's own log for the cause.",
                  name, cause),
      {{"store", std::string(name)}, {"cause", std::string(cause)}});
}

absl::Status SqlErrors::KeyTooLong(size_t bytes, size_t limit) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "STORE_KEY_TOO_LONG",
      fmt::format("One name or id makes a key of {} bytes; the most is {}. Nothing was written; use a "
                  "shorter one.",
                  bytes, limit),
      {{"bytes", fmt::format("{}", bytes)}, {"limit", fmt::format("{}", limit)}});
}

absl::Status SqlErrors::StateTooOld() {
  return MakeError(absl::StatusCode::kAborted, "STORE_BUSY",
                   "This read has taken so long that the state it began with is no longer held. Try again.");
}

}  // namespace pharos::storage::sql
