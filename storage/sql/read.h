// Reading the store as one commit left it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/sql/pool.h"
#include "storage/sql/tables.h"
#include "storage/sql/tenure.h"
#include "storage/sql/versions.h"

namespace pharos::storage::sql {

// What reads go through; shared by all of a store. Outlives every State.
struct Source {
  Source(const std::string& settings, const Tables& its_tables, Tenure& its_tenure, size_t cache_bytes);
  const Tables& tables;
  Tenure& tenure;
  Pool pool;
  Versions versions;
};

// Rows in order; the next page begins at `next`.
struct Page {
  std::map<std::string, std::string> rows;
  std::string next;
  bool last = false;
};

// Immutable, shared by the readers.
class State {
 public:
  // `number`: of the commit that made it; `position`: of the last change it has.
  State(Source& source, uint64_t number, uint64_t position);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  uint64_t number() const { return number_; }
  uint64_t position() const { return position_; }

  absl::StatusOr<Value> Get(std::string_view key) const;
  absl::Status Scan(const KeyRange& range, const Visitor& visit) const;
  // About `most` rows from range.begin on.
  absl::StatusOr<Page> ReadPage(const KeyRange& range, size_t most) const;
  absl::StatusOr<std::vector<Change>> Changes(uint64_t position, size_t most) const;

  // Pages of a scan: the first is small, as many scans want the first row only.
  static constexpr size_t kFirstPage = 16;
  static constexpr size_t kMaxPage = 1024;

 private:
  Source& source_;
  const uint64_t number_;
  const uint64_t position_;
};

}  // namespace pharos::storage::sql
