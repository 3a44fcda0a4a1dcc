// The tables of a store, and every statement on them. One schema a store:
//   meta    (id = 1, layout, format, incarnation, epoch, sequence, position, owner)   one row; each commit
//   moves sequence
//           by one, and position to the last change's; epoch counts the owners the store has had
//   epochs  (epoch, sequence)    where each owner began: says, after a take-over, which of the last one's
//   commits were kept beat    (id = 1, epoch, beats)   moves while the owner lives records (k, v) the map; v
//   stands in an envelope changes (position, entry)    the change log; entry stands in an envelope
// Plain SQL that PostgreSQL, CockroachDB and YugabyteDB take.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/sql/connection.h"
#include "storage/store.h"

namespace pharos::storage::sql {

using Value = std::optional<std::string>;  // nullopt: nothing is there

struct Meta {
  uint64_t layout = 0;
  uint64_t format = 0;
  std::string incarnation;  // 16 random bytes
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  uint64_t position = 0;
  std::string owner;  // storage/sql/owner.h; empty = nobody
};

// What one SQL transaction writes.
struct Group {
  uint64_t epoch = 0;
  uint64_t sequence = 0;  // this commit's; the one before it must be there
  uint64_t position = 0;  // of the last of `changes`
  std::map<std::string, Value, std::less<>> writes;
  std::vector<std::string> changes;
};

enum class Written {
  kYes,
  kNo,       // nothing was written; see the cause
  kUnknown,  // the connection died on the way: ask again
  kFenced,   // nothing was written: the store has another owner
};
struct WriteResult {
  Written written = Written::kNo;
  absl::Status cause;
};

struct Row {
  std::string key;
  std::string value;
};

// Immutable after construction.
class Tables {
 public:
  explicit Tables(std::string name);
  const std::string& name() const { return name_; }

  // Makes what is missing.
  absl::Status Make(Connection& connection) const;
  absl::StatusOr<Meta> ReadMeta(Connection& connection) const;
  // Becomes the owner in place of `seen.owner`; `seen` then holds the new epoch and owner. False: somebody
  // was faster.
  absl::StatusOr<bool> TakeOver(Connection& connection, Meta& seen, const std::string& owner) const;
  absl::Status WriteFormat(Connection& connection, uint64_t epoch, uint64_t layout, uint64_t format) const;
  // Nobody owns the store any more. False: somebody else does.
  absl::StatusOr<bool> Leave(Connection& connection, uint64_t epoch) const;
  // False: the store has another owner.
  absl::StatusOr<bool> Beat(Connection& connection, uint64_t epoch) const;
  absl::StatusOr<uint64_t> ReadBeats(Connection& connection) const;

  // Runs the group in a SERIALIZABLE transaction. A group that was written already, in an attempt whose
  // outcome was not known, is found and answers kYes.
  WriteResult Write(Connection& connection, const Group& group) const;
  // The values of `keys`; those that are not there are left out.
  absl::StatusOr<std::vector<Row>> Fetch(Connection& connection,
                                         const std::vector<std::string_view>& keys) const;

  Statement get;      // k → v
  Statement page;     // from, to, most → k, v in order
  Statement rest;     // from, most → k, v in order, to the end
  Statement keys;     // from, most → k in order, to the end
  Statement entries;  // after, to, most → position, entry in order

  static constexpr size_t kMaxKeyBytes = 2048;  // an index entry of PostgreSQL ends at 2,704

 private:
  Answer WriteRows(Connection& connection, const Group& group) const;
  Answer WriteAll(Connection& connection, const Group& group) const;
  WriteResult Find(Connection& connection, const Group& group) const;
  std::string Name(std::string_view table) const;

  const std::string name_;
  const std::string schema_;  // quoted
  Statement begin_, commit_, rollback_, meta_, advance_, beat_, beats_, epoch_;
};

}  // namespace pharos::storage::sql
