#include "storage/rocksdb/rocksdb_transaction.h"

#include <algorithm>
#include <functional>

#include "services/base/errors.h"
#include "storage/envelope.h"

namespace pharos::storage::rocks {
namespace {

// A scan reads pages, so that `visit` may write while it runs: RocksDB's iterator over a batch does not allow
// it. The first page is small, as many scans want the first row only.
constexpr size_t kFirstPage = 16;
constexpr size_t kMaxPage = 1024;
constexpr size_t kMaxPageBytes = 1u << 20;

KeyHash HashOf(std::string_view key) {
  return std::hash<std::string_view>{}(key);
}

}  // namespace

RocksDbTransaction::RocksDbTransaction(std::shared_ptr<const State> start) : start_(std::move(start)) {}

RocksDbTransaction::RocksDbTransaction(std::shared_ptr<const State> start,
                                       std::vector<std::shared_ptr<const RocksDbTransaction>> before)
    : start_(std::move(start)), before_(std::move(before)), alone_(true) {}

absl::StatusOr<std::optional<std::string>> RocksDbTransaction::Get(std::string_view key) {
  if (!alone_) reads_.insert(HashOf(key));
  if (const auto own = writes_.find(key); own != writes_.end()) return own->second;
  for (auto earlier = before_.rbegin(); earlier != before_.rend(); ++earlier) {
    const auto at = (*earlier)->writes_.find(key);
    if (at != (*earlier)->writes_.end()) return at->second;
  }
  return start_->Get(key);
}

absl::Status RocksDbTransaction::Scan(const KeyRange& range, std::string_view guard, const Visitor& visit) {
  reads_.insert(HashOf(guard));
  KeyRange rest = range;
  for (size_t page = kFirstPage;; page = std::min(page * 4, kMaxPage)) {
    PHAROS_ASSIGN_OR_RETURN(const std::vector<Row> rows, ReadPage(rest, page));
    if (rows.empty()) return absl::OkStatus();
    for (const Row& row : rows) {
      if (!visit(row.key, row.value)) return absl::OkStatus();
    }
    rest.begin = rows.back().key + '\0';
  }
}

// The store's rows and our own, merged in the order of keys; ours win.
absl::StatusOr<std::vector<RocksDbTransaction::Row>> RocksDbTransaction::ReadPage(const KeyRange& range,
                                                                                  size_t most) const {
  rocksdb::ReadOptions options = start_->ReadOptions();
  const rocksdb::Slice end = ToSlice(range.end);
  if (!range.end.empty()) options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> stored(start_->db()->NewIterator(options));
  auto own = writes_.lower_bound(range.begin);
  const auto last = range.end.empty() ? writes_.end() : writes_.lower_bound(range.end);
  std::vector<Row> rows;
  size_t bytes = 0;
  const auto add = [&](std::string_view key, std::string_view value) {
    rows.push_back({std::string(key), std::string(value)});
    bytes += key.size() + value.size();
  };
  stored->Seek(ToSlice(range.begin));
  while (rows.size() < most && bytes < kMaxPageBytes) {
    const bool has_own = own != last, has_stored = stored->Valid();
    if (!has_own && !has_stored) break;
    const int order = !has_own ? -1 : !has_stored ? 1 : ToView(stored->key()).compare(own->first);
    if (order < 0) add(ToView(stored->key()), ToView(stored->value()));
    if (order >= 0 && own->second) add(own->first, *own->second);
    if (order >= 0) ++own;
    if (order <= 0) stored->Next();
  }
  if (!stored->status().ok()) return FromRocksDb(stored->status(), start_->folder());
  return rows;
}

void RocksDbTransaction::Write(std::string_view key, std::optional<std::string> value) {
  bytes_ += key.size() + (value ? value->size() : 0);
  writes_.insert_or_assign(std::string(key), std::move(value));
}

void RocksDbTransaction::Put(std::string_view key, std::string_view value) {
  Write(key, std::string(value));
}

void RocksDbTransaction::Delete(std::string_view key) {
  Write(key, std::nullopt);
}

void RocksDbTransaction::Touch(std::string_view guard) {
  touched_.insert(HashOf(guard));
}

void RocksDbTransaction::AppendChange(std::string_view entry) {
  changes_.push_back(Wrap(entry));
  bytes_ += changes_.back().size();
}

std::vector<KeyHash> RocksDbTransaction::Writes() const {
  std::vector<KeyHash> hashes(touched_.begin(), touched_.end());
  hashes.reserve(hashes.size() + writes_.size());
  for (const auto& [key, value] : writes_) hashes.push_back(HashOf(key));
  return hashes;
}

}  // namespace pharos::storage::rocks
