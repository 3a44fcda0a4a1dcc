// A transaction: reads at the state it began with, under its own writes; notes what it read and wrote for the
// committer.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "rocksdb/utilities/write_batch_with_index.h"
#include "storage/rocksdb/read.h"
#include "storage/rocksdb/resolver.h"
#include "storage/store.h"

namespace pharos::storage::rocks {

class RocksDbTransaction final : public Transaction {
 public:
  explicit RocksDbTransaction(std::shared_ptr<const State> start);

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override;
  // What `visit` itself writes into the range, this scan may or may not show.
  absl::Status Scan(const KeyRange& range, std::string_view guard, const Visitor& visit) override;
  void Put(std::string_view key, std::string_view value) override;
  void Delete(std::string_view key) override;
  void Touch(std::string_view guard) override;
  void AppendChange(std::string_view entry) override;

  // For the committer.
  uint64_t start() const { return start_->commit(); }
  bool ReadOnly() const { return writes_.empty() && changes_.empty(); }
  size_t Bytes() const;
  std::vector<KeyHash> Reads() const { return {reads_.begin(), reads_.end()}; }
  std::vector<KeyHash> Writes() const { return {writes_.begin(), writes_.end()}; }
  const rocksdb::WriteBatch& batch() { return *batch_.GetWriteBatch(); }
  const std::vector<std::string>& changes() const { return changes_; }
  // A write that could not be noted (out of bounds of the batch); OK otherwise.
  const rocksdb::Status& failure() const { return failure_; }

 private:
  struct Row {
    std::string key;
    std::string value;
  };
  absl::StatusOr<std::vector<Row>> ReadPage(const KeyRange& range, size_t most);

  const std::shared_ptr<const State> start_;
  rocksdb::WriteBatchWithIndex batch_;
  rocksdb::Status failure_;
  std::unordered_set<KeyHash> reads_;
  std::unordered_set<KeyHash> writes_;
  std::vector<std::string> changes_;
  size_t change_bytes_ = 0;
};

}  // namespace pharos::storage::rocks
