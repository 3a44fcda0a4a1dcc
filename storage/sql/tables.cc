#include "storage/sql/tables.h"

#include <algorithm>

#include "fmt/format.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "storage/errors.h"
#include "storage/sql/errors.h"

namespace pharos::storage::sql {
namespace {

constexpr int kMaxSerialRetries = 16;  // only a take-over or our own lost attempt gets in the way of a commit

std::string Quoted(std::string_view identifier) {
  std::string quoted = "\"";
  for (const char c : identifier) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

// How many of `left` rows go into the next statement. Few sizes, so that few statements are prepared; large
// ones, so that few round trips are made.
size_t NextChunk(size_t left) {
  constexpr size_t kLarge = 256, kMiddle = 64;
  if (left >= kLarge) return kLarge;
  return left >= kMiddle ? kMiddle : left;
}

// "($1,$2),($3,$4)" for two rows of two columns.
std::string Places(size_t rows, size_t columns) {
  std::string text;
  for (size_t row = 0, next = 1; row < rows; ++row) {
    text += row == 0 ? "(" : ",(";
    for (size_t column = 0; column < columns; ++column)
      text += fmt::format("{}${}", column == 0 ? "" : ",", next++);
    text += ")";
  }
  return text;
}

// Runs `make`(count) over all of `items` in chunks, with parameters from `add`. Stops at the first answer
// that is not OK.
template <typename Items, typename Make, typename Add, typename Take>
Answer InChunks(Connection& connection, const Items& items, const Make& make, const Add& add,
                const Take& take) {
  Answer last(Verdict::kOk, "", nullptr);
  for (size_t done = 0; done < items.size();) {
    const size_t count = NextChunk(items.size() - done);
    Params params;
    for (size_t i = done; i < done + count; ++i) add(params, items[i], i);
    Answer answer = connection.Run(make(count), params);
    if (!answer.ok()) return answer;
    take(answer);
    done += count;
  }
  return last;
}
void TakeNothing(const Answer&) {}

}  // namespace

Tables::Tables(std::string name) : name_(std::move(name)), schema_(Quoted(name_)) {
  const std::string records = Name("records"), meta = Name("meta");
  get = {"get", fmt::format("SELECT v FROM {} WHERE k = $1", records)};
  page = {"page", fmt::format("SELECT k, v FROM {} WHERE k >= $1 AND k < $2 ORDER BY k LIMIT $3", records)};
  rest = {"rest", fmt::format("SELECT k, v FROM {} WHERE k >= $1 ORDER BY k LIMIT $2", records)};
  keys = {"keys", fmt::format("SELECT k FROM {} WHERE k >= $1 ORDER BY k LIMIT $2", records)};
  entries = {
      "entries",
      fmt::format("SELECT position, entry FROM {} WHERE position > $1 AND position <= $2 ORDER BY position "
                  "LIMIT $3",
                  Name("changes"))};
  begin_ = {"begin", "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE"};
  commit_ = {"commit", "COMMIT"};
  rollback_ = {"rollback", "ROLLBACK"};
  meta_ = {
      "meta",
      fmt::format("SELECT layout, format, incarnation, epoch, sequence, position, owner FROM {} WHERE id = 1",
                  meta)};
  advance_ = {
      "advance",
      fmt::format("UPDATE {} SET sequence = $1, position = $2 WHERE id = 1 AND epoch = $3 AND sequence = $4",
                  meta)};
  beat_ = {"beat", fmt::format("UPDATE {} SET beats = beats + 1 WHERE id = 1 AND epoch = $1", Name("beat"))};
  beats_ = {"beats", fmt::format("SELECT beats FROM {} WHERE id = 1", Name("beat"))};
  epoch_ = {"epoch", fmt::format("SELECT sequence FROM {} WHERE epoch = $1", Name("epochs"))};
}

std::string Tables::Name(std::string_view table) const {
  return fmt::format("{}.{}", schema_, table);
}

absl::Status Tables::Make(Connection& connection) const {
  const Answer version = connection.RunOnce("SELECT version()");
  // YugabyteDB spreads a primary key by its hash unless it is told to keep it in order.
  const bool yugabyte =
      version.ok() && version.rows() == 1 && version.Bytes(0, 0).find("-YB-") != std::string_view::npos;
  const char* key = yugabyte ? "k bytea NOT NULL, v bytea NOT NULL, PRIMARY KEY (k ASC)"
                             : "k bytea PRIMARY KEY, v bytea NOT NULL";
  for (const std::string& text :
       {fmt::format("CREATE SCHEMA IF NOT EXISTS {}", schema_),
        fmt::format("CREATE TABLE IF NOT EXISTS {} (id bigint PRIMARY KEY, layout bigint NOT NULL, format "
                    "bigint NOT NULL, "
                    "incarnation bytea NOT NULL, epoch bigint NOT NULL, sequence bigint NOT NULL, position "
                    "bigint NOT NULL, "
                    "owner bytea NOT NULL)",
                    Name("meta")),
        fmt::format("CREATE TABLE IF NOT EXISTS {} (epoch bigint PRIMARY KEY, sequence bigint NOT NULL)",
                    Name("epochs")),
        fmt::format("CREATE TABLE IF NOT EXISTS {} (id bigint PRIMARY KEY, epoch bigint NOT NULL, beats "
                    "bigint NOT NULL)",
                    Name("beat")),
        fmt::format("CREATE TABLE IF NOT EXISTS {} ({})", Name("records"), key),
        fmt::format("CREATE TABLE IF NOT EXISTS {} (position bigint PRIMARY KEY, entry bytea NOT NULL)",
                    Name("changes")),
        fmt::format("INSERT INTO {} (id, epoch, beats) VALUES (1, 0, 0) ON CONFLICT (id) DO NOTHING",
                    Name("beat"))}) {
    if (const Answer made = connection.RunOnce(text); !made.ok()) return ToStatus(made, name_);
  }
  const std::string incarnation = base::RandomBytes16();
  const Answer first =
      connection.RunOnce(fmt::format("INSERT INTO {} (id, layout, format, incarnation, epoch, sequence, "
                                     "position, owner) VALUES (1, 0, 0, $1, 0, 0, "
                                     "0, $2) ON CONFLICT (id) DO NOTHING",
                                     Name("meta")),
                         Params().Bytes(incarnation).Bytes(""));
  return ToStatus(first, name_);
}

absl::StatusOr<Meta> Tables::ReadMeta(Connection& connection) const {
  const Answer answer = connection.Run(meta_);
  if (!answer.ok()) return ToStatus(answer, name_);
  if (answer.rows() != 1)
    return StoreErrors::Damaged("the database schema " + name_, "its row in meta is missing");
  return Meta{answer.Int(0, 0), answer.Int(0, 1), std::string(answer.Bytes(0, 2)), answer.Int(0, 3),
              answer.Int(0, 4), answer.Int(0, 5), std::string(answer.Bytes(0, 6))};
}

absl::StatusOr<bool> Tables::TakeOver(Connection& connection, Meta& seen, const std::string& owner) const {
  const auto steps = [&]() -> Answer {
    if (Answer began = connection.Run(begin_); !began.ok()) return began;
    // Waits for the last owner's commit if one is still under way, and then fails with a conflict.
    Answer moved = connection.RunOnce(
        fmt::format("UPDATE {} SET epoch = epoch + 1, owner = $1 WHERE id = 1 AND epoch = $2 AND "
                    "sequence = $3",
                    Name("meta")),
        Params().Bytes(owner).Int(seen.epoch).Int(seen.sequence));
    if (!moved.ok()) return moved;
    if (moved.affected() == 0) return Answer(Verdict::kConflict, "", nullptr);
    Answer noted =
        connection.RunOnce(fmt::format("INSERT INTO {} (epoch, sequence) VALUES ($1, $2)", Name("epochs")),
                           Params().Int(seen.epoch + 1).Int(seen.sequence));
    if (!noted.ok()) return noted;
    Answer beat = connection.RunOnce(
        fmt::format("UPDATE {} SET epoch = $1, beats = beats + 1 WHERE id = 1", Name("beat")),
        Params().Int(seen.epoch + 1));
    if (!beat.ok()) return beat;
    return connection.Run(commit_);
  };
  const Answer answer = steps();
  if (!answer.ok()) {
    connection.Run(rollback_);
    if (answer.verdict() == Verdict::kConflict) return false;
    return ToStatus(answer, name_);
  }
  ++seen.epoch;
  seen.owner = owner;
  return true;
}

absl::Status Tables::WriteFormat(Connection& connection, uint64_t epoch, uint64_t layout,
                                 uint64_t format) const {
  return ToStatus(
      connection.RunOnce(
          fmt::format("UPDATE {} SET layout = $1, format = $2 WHERE id = 1 AND epoch = $3", Name("meta")),
          Params().Int(layout).Int(format).Int(epoch)),
      name_);
}

absl::StatusOr<bool> Tables::Leave(Connection& connection, uint64_t epoch) const {
  const Answer left =
      connection.RunOnce(fmt::format("UPDATE {} SET owner = $1 WHERE id = 1 AND epoch = $2", Name("meta")),
                         Params().Bytes("").Int(epoch));
  if (!left.ok()) return ToStatus(left, name_);
  return left.affected() == 1;
}

absl::StatusOr<bool> Tables::Beat(Connection& connection, uint64_t epoch) const {
  const Answer answer = connection.Run(beat_, Params().Int(epoch));
  if (!answer.ok()) return ToStatus(answer, name_);
  return answer.affected() == 1;
}

absl::StatusOr<uint64_t> Tables::ReadBeats(Connection& connection) const {
  const Answer answer = connection.Run(beats_);
  if (!answer.ok()) return ToStatus(answer, name_);
  if (answer.rows() != 1)
    return StoreErrors::Damaged("the database schema " + name_, "its row in beat is missing");
  return answer.Int(0, 0);
}

WriteResult Tables::Write(Connection& connection, const Group& group) const {
  for (int attempt = 0;; ++attempt) {
    const Answer rows = WriteAll(connection, group);
    if (!rows.ok()) {
      // Before COMMIT was sent: the database forgets all of it, whether or not it hears this.
      if (!connection.broken()) connection.Run(rollback_);
      if (rows.verdict() == Verdict::kUnknown) return Find(connection, group);
      if (rows.verdict() == Verdict::kConflict && attempt < kMaxSerialRetries) continue;
      return {Written::kNo, ToStatus(rows, name_)};
    }
    const Answer committed = connection.Run(commit_);
    if (committed.ok()) return {Written::kYes, absl::OkStatus()};
    if (!connection.broken()) connection.Run(rollback_);
    if (committed.verdict() == Verdict::kConflict && attempt < kMaxSerialRetries) continue;
    const bool unknown = committed.verdict() == Verdict::kAway || committed.verdict() == Verdict::kUnknown;
    return {unknown ? Written::kUnknown : Written::kNo, ToStatus(committed, name_)};
  }
}

// kUnknown stands for "the row in meta is not as it was before this commit".
Answer Tables::WriteAll(Connection& connection, const Group& group) const {
  if (Answer began = connection.Run(begin_); !began.ok()) return began;
  Answer advanced = connection.Run(
      advance_, Params().Int(group.sequence).Int(group.position).Int(group.epoch).Int(group.sequence - 1));
  if (!advanced.ok()) return advanced;
  if (advanced.affected() != 1) return Answer(Verdict::kUnknown, "", nullptr);
  return WriteRows(connection, group);
}

Answer Tables::WriteRows(Connection& connection, const Group& group) const {
  std::vector<const std::pair<const std::string, Value>*> puts, erased;
  for (const auto& write : group.writes) (write.second ? puts : erased).push_back(&write);
  const auto upsert = [&](size_t count) {
    return Statement{
        fmt::format("upsert{}", count),
        fmt::format("INSERT INTO {} (k, v) VALUES {} ON CONFLICT (k) DO UPDATE SET v = excluded.v",
                    Name("records"), Places(count, 2))};
  };
  Answer answer = InChunks(
      connection, puts, upsert,
      [](Params& params, const auto* write, size_t) { params.Bytes(write->first).Bytes(*write->second); },
      TakeNothing);
  if (!answer.ok()) return answer;
  const auto erase = [&](size_t count) {
    return Statement{fmt::format("erase{}", count),
                     fmt::format("DELETE FROM {} WHERE k IN {}", Name("records"), Places(1, count))};
  };
  Answer gone = InChunks(
      connection, erased, erase,
      [](Params& params, const auto* write, size_t) { params.Bytes(write->first); }, TakeNothing);
  if (!gone.ok()) return gone;
  const auto append = [&](size_t count) {
    return Statement{fmt::format("append{}", count), fmt::format("INSERT INTO {} (position, entry) VALUES {}",
                                                                 Name("changes"), Places(count, 2))};
  };
  const uint64_t before = group.position - group.changes.size();
  return InChunks(
      connection, group.changes, append,
      [before](Params& params, const std::string& entry, size_t i) {
        params.Int(before + i + 1).Bytes(entry);
      },
      TakeNothing);
}

// The row in meta is not as it was before this commit: it is this very commit that moved it, or another
// owner.
WriteResult Tables::Find(Connection& connection, const Group& group) const {
  const auto meta = ReadMeta(connection);
  if (!meta.ok()) return {Written::kUnknown, meta.status()};
  if (meta->epoch == group.epoch) {
    if (meta->sequence == group.sequence) return {Written::kYes, absl::OkStatus()};
    if (meta->sequence + 1 == group.sequence)
      return {Written::kNo, SqlErrors::Away(name_, "it lost a commit")};
    // It went back by itself: an older copy of the database was put in its place.
    return {Written::kFenced,
            StoreErrors::Damaged("the database schema " + name_, "its last commits are missing")};
  }
  const Answer next = connection.Run(epoch_, Params().Int(group.epoch + 1));
  if (!next.ok()) return {Written::kUnknown, ToStatus(next, name_)};
  if (next.rows() == 1 && next.Int(0, 0) >= group.sequence) return {Written::kYes, absl::OkStatus()};
  return {Written::kFenced, SqlErrors::Fenced(name_)};
}

absl::StatusOr<std::vector<Row>> Tables::Fetch(Connection& connection,
                                               const std::vector<std::string_view>& keys) const {
  std::vector<Row> rows;
  const auto fetch = [&](size_t count) {
    return Statement{fmt::format("fetch{}", count),
                     fmt::format("SELECT k, v FROM {} WHERE k IN {}", Name("records"), Places(1, count))};
  };
  const Answer answer = InChunks(
      connection, keys, fetch, [](Params& params, std::string_view key, size_t) { params.Bytes(key); },
      [&](const Answer& found) {
        for (size_t i = 0; i < found.rows(); ++i)
          rows.push_back({std::string(found.Bytes(i, 0)), std::string(found.Bytes(i, 1))});
      });
  if (!answer.ok()) return ToStatus(answer, name_);
  return rows;
}

}  // namespace pharos::storage::sql
