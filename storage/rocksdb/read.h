// Reading RocksDB at one published state, and RocksDB's errors in our words.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "rocksdb/db.h"
#include "storage/store.h"

namespace pharos::storage::rocks {

inline rocksdb::Slice ToSlice(std::string_view s) {
  return {s.data(), s.size()};
}
inline std::string_view ToView(const rocksdb::Slice& s) {
  return {s.data(), s.size()};
}

// The store as one commit left it. Immutable, shared by the readers; lets its snapshot go with the last of
// them.
class State {
 public:
  State(rocksdb::DB* db, std::string folder, uint64_t commit, uint64_t position);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  rocksdb::DB* db() const { return db_; }
  const std::string& folder() const { return folder_; }
  uint64_t commit() const { return commit_; }  // number of the last commit it has; counts from this opening
  uint64_t position() const { return position_; }  // of the last change it has
  rocksdb::ReadOptions ReadOptions() const;

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const;
  absl::Status Scan(const KeyRange& range, const Visitor& visit) const;
  absl::StatusOr<std::vector<Change>> Changes(uint64_t position, size_t most) const;

 private:
  rocksdb::DB* const db_;
  const std::string folder_;
  const uint64_t commit_;
  const uint64_t position_;
  const rocksdb::Snapshot* const snapshot_;
};

std::string ChangeKey(uint64_t position);
// `status` must not be OK.
absl::Status FromRocksDb(const rocksdb::Status& status, const std::string& folder);

}  // namespace pharos::storage::rocks
