#include "services/audience/reference_store.h"

#include "services/audience/tables.h"
#include "services/base/errors.h"
#include "storage/envelope.h"
#include "storage/key_codec.h"

namespace pharos::audience {
namespace {

using record::v1::ReferenceChunkRow;
using record::v1::ReferenceRow;
using storage::KeyWriter;

constexpr size_t kDeletedAtOnce = 500;

std::string RowKey(ReferenceKind kind) {
  return KeyWriter(kReference).U64(static_cast<uint64_t>(kind));
}
std::string ChunkKey(ReferenceKind kind, uint64_t generation, uint64_t number) {
  return KeyWriter(kReferenceChunk).U64(static_cast<uint64_t>(kind)).U64(generation).U64(number);
}

}  // namespace

absl::StatusOr<std::map<ReferenceKind, ReferenceRow>> ReferenceStore::State() const {
  std::map<ReferenceKind, ReferenceRow> state;
  for (const ReferenceKind kind : kReferenceKinds) {
    ReferenceRow row;
    PHAROS_ASSIGN_OR_RETURN(const bool found, storage::GetRecord(store_, RowKey(kind), row));
    if (found) state[kind] = std::move(row);
  }
  return state;
}

absl::StatusOr<std::vector<ReferenceChunkRow>> ReferenceStore::ReadAll() const {
  PHAROS_ASSIGN_OR_RETURN(const auto state, State());
  std::vector<ReferenceChunkRow> chunks;
  for (const auto& [kind, row] : state) {
    for (uint64_t number = 0; number < row.chunks(); ++number) {
      PHAROS_ASSIGN_OR_RETURN(
          const bool found,
          storage::GetRecord(store_, ChunkKey(kind, row.generation(), number), chunks.emplace_back()));
      if (!found)
        return base::MakeError(
            absl::StatusCode::kDataLoss, "REFERENCE_DAMAGED",
            "Part of the reference data is missing. Load it again: pharos reference load.");
    }
  }
  return chunks;
}

absl::Status ReferenceStore::WriteChunk(ReferenceKind kind, uint64_t generation, uint64_t number,
                                        const ReferenceChunkRow& chunk) const {
  return store_.Transact([&](storage::Transaction& tx) {
    storage::PutRecord(tx, ChunkKey(kind, generation, number), chunk);
    return absl::OkStatus();
  });
}

absl::Status ReferenceStore::Commit(ReferenceKind kind, const ReferenceRow& row,
                                    const std::string& change) const {
  return store_.Transact([&](storage::Transaction& tx) {
    storage::PutRecord(tx, RowKey(kind), row);
    tx.AppendChange(change);
    return absl::OkStatus();
  });
}

absl::Status ReferenceStore::DropRest() const {
  PHAROS_ASSIGN_OR_RETURN(const auto state, State());
  std::vector<std::string> keys;
  const auto range = storage::PrefixRange(KeyWriter(kReferenceChunk).str());
  PHAROS_RETURN_IF_ERROR(store_.Read()->Scan(range, [&](std::string_view key, std::string_view) {
    storage::KeyReader reader(key);
    const auto at = state.find(static_cast<ReferenceKind>(reader.U64()));
    if (at == state.end() || reader.U64() != at->second.generation()) keys.emplace_back(key);
    return true;
  }));
  for (size_t from = 0; from < keys.size(); from += kDeletedAtOnce) {
    PHAROS_RETURN_IF_ERROR(store_.Transact([&](storage::Transaction& tx) {
      for (size_t i = from; i < std::min(keys.size(), from + kDeletedAtOnce); ++i) tx.Delete(keys[i]);
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

}  // namespace pharos::audience
