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

RocksDbTransaction::RocksDbTransaction(std::shared_ptr<const State> start)
    : start_(std::move(start)), batch_(rocksdb::BytewiseComparator(), 0, /*overwrite_key=*/true) {}

absl::StatusOr<std::optional<std::string>> RocksDbTransaction::Get(std::string_view key) {
  reads_.insert(HashOf(key));
  std::string value;
  const rocksdb::Status status =
      batch_.GetFromBatchAndDB(start_->db(), start_->ReadOptions(), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return FromRocksDb(status, start_->folder());
  return value;
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

absl::StatusOr<std::vector<RocksDbTransaction::Row>> RocksDbTransaction::ReadPage(const KeyRange& range,
                                                                                  size_t most) {
  rocksdb::ReadOptions options = start_->ReadOptions();
  const rocksdb::Slice end = ToSlice(range.end);
  if (!range.end.empty()) options.iterate_upper_bound = &end;
  rocksdb::DB* db = start_->db();
  std::unique_ptr<rocksdb::Iterator> at(
      batch_.NewIteratorWithBase(db->DefaultColumnFamily(), db->NewIterator(options), &options));
  std::vector<Row> rows;
  size_t bytes = 0;
  for (at->Seek(ToSlice(range.begin)); at->Valid() && rows.size() < most && bytes < kMaxPageBytes;
       at->Next()) {
    if (!range.end.empty() && at->key().compare(end) >= 0) break;
    rows.push_back({at->key().ToString(), at->value().ToString()});
    bytes += rows.back().key.size() + rows.back().value.size();
  }
  if (!at->status().ok()) return FromRocksDb(at->status(), start_->folder());
  return rows;
}

void RocksDbTransaction::Put(std::string_view key, std::string_view value) {
  writes_.insert(HashOf(key));
  if (auto status = batch_.Put(ToSlice(key), ToSlice(value)); !status.ok()) failure_ = status;
}

void RocksDbTransaction::Delete(std::string_view key) {
  writes_.insert(HashOf(key));
  if (auto status = batch_.Delete(ToSlice(key)); !status.ok()) failure_ = status;
}

void RocksDbTransaction::Touch(std::string_view guard) {
  writes_.insert(HashOf(guard));
}

void RocksDbTransaction::AppendChange(std::string_view entry) {
  changes_.push_back(Wrap(entry));
  change_bytes_ += changes_.back().size();
}

size_t RocksDbTransaction::Bytes() const {
  return batch_.GetDataSize() + change_bytes_;
}

}  // namespace pharos::storage::rocks
