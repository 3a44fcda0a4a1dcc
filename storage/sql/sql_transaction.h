// A transaction: reads at the state it began with, under its own writes; notes what it read and wrote for the
// committer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/sql/read.h"
#include "storage/sql/versions.h"
#include "storage/store.h"

namespace pharos::storage::sql {

class SqlTransaction final : public Transaction {
 public:
  explicit SqlTransaction(std::shared_ptr<const State> start);

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override;
  // What `visit` itself writes into the range, this scan may or may not show.
  absl::Status Scan(const KeyRange& range, std::string_view guard, const Visitor& visit) override;
  void Put(std::string_view key, std::string_view value) override;
  void Delete(std::string_view key) override;
  void Touch(std::string_view guard) override;
  void AppendChange(std::string_view entry) override;

  // For the committer.
  bool ReadOnly() const { return intent_.writes.empty() && intent_.touches.empty() && changes_.empty(); }
  size_t Bytes() const { return bytes_; }
  const Intent& intent() const { return intent_; }
  std::vector<std::string>& changes() { return changes_; }
  // A write that the tables cannot take; OK otherwise.
  const absl::Status& failure() const { return failure_; }

 private:
  void Write(std::string_view key, Value value);

  const std::shared_ptr<const State> start_;
  Intent intent_;
  std::vector<std::string> changes_;
  size_t bytes_ = 0;
  absl::Status failure_;
};

}  // namespace pharos::storage::sql
