#include "storage/rocksdb/read.h"

#include <algorithm>

#include "services/base/errors.h"
#include "storage/envelope.h"
#include "storage/errors.h"
#include "storage/key_codec.h"

namespace pharos::storage::rocks {
namespace {

constexpr size_t kMaxChangesRead = 10'000;         // one answer to a follower; more needs another call
constexpr size_t kMaxChangeBytesRead = 16u << 20;  // the same, in bytes

}  // namespace

State::State(rocksdb::DB* db, std::string folder, uint64_t commit, uint64_t position)
    : db_(db),
      folder_(std::move(folder)),
      commit_(commit),
      position_(position),
      snapshot_(db->GetSnapshot()) {}

State::~State() {
  db_->ReleaseSnapshot(snapshot_);
}

rocksdb::ReadOptions State::ReadOptions() const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  return options;
}

absl::StatusOr<std::optional<std::string>> State::Get(std::string_view key) const {
  std::string value;
  const rocksdb::Status status = db_->Get(ReadOptions(), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return FromRocksDb(status, folder_);
  return value;
}

absl::Status State::Scan(const KeyRange& range, const Visitor& visit) const {
  rocksdb::ReadOptions options = ReadOptions();
  const rocksdb::Slice end = ToSlice(range.end);
  if (!range.end.empty()) options.iterate_upper_bound = &end;
  std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
  for (at->Seek(ToSlice(range.begin)); at->Valid(); at->Next()) {
    if (!visit(ToView(at->key()), ToView(at->value()))) return absl::OkStatus();
  }
  return at->status().ok() ? absl::OkStatus() : FromRocksDb(at->status(), folder_);
}

absl::StatusOr<std::vector<Change>> State::Changes(uint64_t position, size_t most) const {
  if (position > position_) return StoreErrors::CursorAhead(position, position_);
  std::vector<Change> changes;
  if (position == position_ || most == 0) return changes;
  most = std::min(most, kMaxChangesRead);
  size_t bytes = 0;
  absl::Status bad;
  const KeyRange range{ChangeKey(position + 1), PrefixRange(KeyWriter(kChangeTable).str()).end};
  PHAROS_RETURN_IF_ERROR(Scan(range, [&](std::string_view key, std::string_view value) {
    KeyReader reader(key);
    auto entry = Unwrap(value);
    if (!entry.ok()) {
      bad = entry.status();
      return false;
    }
    changes.push_back({reader.U64(), std::string(*entry)});
    bytes += entry->size();
    return changes.size() < most && bytes < kMaxChangeBytesRead;
  }));
  if (!bad.ok()) return bad;
  if (changes.empty() || changes.front().position != position + 1)
    return StoreErrors::CursorTooOld(position, position_);
  return changes;
}

std::string ChangeKey(uint64_t position) {
  return KeyWriter(kChangeTable).U64(position);
}

absl::Status FromRocksDb(const rocksdb::Status& status, const std::string& folder) {
  if (status.IsCorruption()) return StoreErrors::Damaged(folder, status.ToString());
  return StoreErrors::Failed(folder, status.IsNoSpace(), status.ToString());
}

}  // namespace pharos::storage::rocks
