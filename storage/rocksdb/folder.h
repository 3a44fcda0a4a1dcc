// The folder of a store on disk: made if missing, and held by one process at a time through a lock on its
// file pharos.pid.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace pharos::storage::rocks {

class FolderLock {
 public:
  // Makes `folder` (mode 0700) and takes it. FAILED_PRECONDITION STORE_IN_USE naming the holder,
  // STORE_FOLDER_UNUSABLE.
  static absl::StatusOr<std::unique_ptr<FolderLock>> Take(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  const int fd_;
};

// DATA_LOSS STORE_DAMAGED if the folder holds records but not the file that leads to them: RocksDB would
// begin an empty store.
absl::Status CheckNotHeadless(const std::string& folder);

}  // namespace pharos::storage::rocks
