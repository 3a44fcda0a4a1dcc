// A transaction: reads at the state it began with, under its own writes; notes what it read and wrote for the
// committer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "storage/rocksdb/read.h"
#include "storage/rocksdb/resolver.h"
#include "storage/store.h"

namespace pharos::storage::rocks {

class RocksDbTransaction final : public Transaction {
 public:
  explicit RocksDbTransaction(std::shared_ptr<const State> start);
  // The only writer's next one: reads see `before`, too, the newest last; no conflict is possible.
  RocksDbTransaction(std::shared_ptr<const State> start,
                     std::vector<std::shared_ptr<const RocksDbTransaction>> before);

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override;
  // What `visit` itself writes into the range, this scan may or may not show.
  absl::Status Scan(const KeyRange& range, std::string_view guard, const Visitor& visit) override;
  void Put(std::string_view key, std::string_view value) override;
  void Delete(std::string_view key) override;
  void Touch(std::string_view guard) override;
  void AppendChange(std::string_view entry) override;

  // For the committer.
  uint64_t start() const { return start_->commit(); }
  bool alone() const { return alone_; }
  bool ReadOnly() const { return writes_.empty() && touched_.empty() && changes_.empty(); }
  size_t Bytes() const { return bytes_; }
  const absl::flat_hash_set<KeyHash>& Reads() const { return reads_; }
  std::vector<KeyHash> Writes() const;
  // Its last word on each key, in the order of keys; nullopt: deleted.
  struct Less {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a < b; }
  };
  using Overlay = absl::btree_map<std::string, std::optional<std::string>, Less>;
  const Overlay& writes() const { return writes_; }
  const std::vector<std::string>& changes() const { return changes_; }

 private:
  struct Row {
    std::string key;
    std::string value;
  };
  absl::StatusOr<std::vector<Row>> ReadPage(const KeyRange& range, size_t most) const;
  void Write(std::string_view key, std::optional<std::string> value);

  const std::shared_ptr<const State> start_;
  const std::vector<std::shared_ptr<const RocksDbTransaction>> before_;
  const bool alone_ = false;
  Overlay writes_;
  absl::flat_hash_set<KeyHash> reads_;
  absl::flat_hash_set<KeyHash> touched_;
  std::vector<std::string> changes_;
  size_t bytes_ = 0;  // of everything written, also of what was overwritten since
};

}  // namespace pharos::storage::rocks
