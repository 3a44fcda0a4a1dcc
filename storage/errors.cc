#include "storage/errors.h"

#include "fmt/format.h"
#include "services/base/errors.h"

namespace pharos::storage {

using base::MakeError;

absl::Status StoreErrors::InUse(const std::string& folder, int64_t pid) {
  const std::string holder = pid > 0 ? fmt::format("process {}", pid) : std::string("another process");
  return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_IN_USE",
                   fmt::format("The store in {} is in use by {}. Stop that process first, or start this one "
                               "with another data folder.",
                               folder, holder),
                   {{"folder", folder}, {"pid", fmt::format("{}", pid)}});
}

absl::Status StoreErrors::FormatNewer(const std::string& name, const std::string& folder, uint64_t found,
                                      uint64_t known) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "STORE_FORMAT_NEWER",
      fmt::format("The {} store in {} has format {}, and this version of Pharos knows formats up to {}. "
                  "Start the newer "
                  "version that wrote it, or restore a backup made before the upgrade. Nothing was changed.",
                  name, folder, found, known),
      {{"folder", folder}, {"found", fmt::format("{}", found)}, {"known", fmt::format("{}", known)}});
}

absl::Status StoreErrors::FormatOlder(const std::string& name, const std::string& folder, uint64_t found,
                                      uint64_t oldest) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "STORE_FORMAT_OLDER",
      fmt::format("The {} store in {} has format {}, and this version of Pharos reads formats from {} on. "
                  "Finish its campaigns "
                  "with the version that wrote it, then begin a new data folder. Nothing was changed.",
                  name, folder, found, oldest),
      {{"folder", folder}, {"found", fmt::format("{}", found)}, {"oldest", fmt::format("{}", oldest)}});
}

absl::Status StoreErrors::FolderUnusable(const std::string& folder, std::string_view cause) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "STORE_FOLDER_UNUSABLE",
                   fmt::format("The store folder {} cannot be used: {}. Check that it exists and belongs to "
                               "the user that runs Pharos.",
                               folder, cause),
                   {{"folder", folder}});
}

absl::Status StoreErrors::Damaged(const std::string& folder, std::string_view cause) {
  return MakeError(
      absl::StatusCode::kDataLoss, "STORE_DAMAGED",
      fmt::format(
          "The store in {} is damaged ({}). Keep a copy of the folder as it is, check the disk, and restore "
          "the "
          "newest backup. Pharos does not repair it by itself, as that could lose opt-outs without a trace.",
          folder, cause),
      {{"folder", folder}});
}

absl::Status StoreErrors::Failed(const std::string& folder, bool disk_full, std::string_view cause) {
  const std::string advice = disk_full ? "The disk is full: free some space there, then restart Pharos."
                                       : "Check the disk and the system log, then restart Pharos.";
  return MakeError(
      disk_full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable, "STORE_FAILED",
      fmt::format("The store in {} could not be read or written ({}). {} A write that was under way was not "
                  "acknowledged; no further one is accepted until the restart after a failed write.",
                  folder, cause, advice),
      {{"folder", folder}});
}

absl::Status StoreErrors::Busy(int attempts) {
  return MakeError(absl::StatusCode::kAborted, "STORE_BUSY",
                   fmt::format("Others changed the same records at the same moment, {} times in a row. "
                               "Nothing was written; try again.",
                               attempts),
                   {{"attempts", fmt::format("{}", attempts)}});
}

absl::Status StoreErrors::TransactionTooLarge(size_t bytes, size_t limit) {
  return MakeError(
      absl::StatusCode::kResourceExhausted, "STORE_TRANSACTION_TOO_LARGE",
      fmt::format(
          "One change would write {} bytes; the most is {}. Nothing was written; do it in smaller parts.",
          bytes, limit),
      {{"bytes", fmt::format("{}", bytes)}, {"limit", fmt::format("{}", limit)}});
}

absl::Status StoreErrors::CursorTooOld(uint64_t position, uint64_t last) {
  return MakeError(
      absl::StatusCode::kOutOfRange, "CURSOR_TOO_OLD",
      fmt::format(
          "Changes after position {} are no longer kept. Take a snapshot, then follow from its position.",
          position),
      {{"position", fmt::format("{}", position)}, {"last_position", fmt::format("{}", last)}});
}

absl::Status StoreErrors::CursorAhead(uint64_t position, uint64_t last) {
  return MakeError(absl::StatusCode::kOutOfRange, "CURSOR_TOO_OLD",
                   fmt::format("Position {} is past the last change, {}: this store was restored or made "
                               "anew. Take a snapshot, then "
                               "follow from its position.",
                               position, last),
                   {{"position", fmt::format("{}", position)}, {"last_position", fmt::format("{}", last)}});
}

}  // namespace pharos::storage
