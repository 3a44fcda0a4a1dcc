// One connection to the database: prepared statements, parameters and results in binary. The only file with
// its source that speaks libpq.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"

struct pg_conn;
struct pg_result;

namespace pharos::storage::sql {

struct Statement {
  std::string name;  // unique on a connection
  std::string text;
};

// $1, $2, … of a statement. Bytes are borrowed until the statement has run.
class Params {
 public:
  Params& Bytes(std::string_view bytes);
  Params& Int(uint64_t number);
  size_t size() const { return types_.size(); }

 private:
  friend class Connection;
  std::vector<unsigned> types_;
  std::vector<std::string_view> bytes_;  // data() is nullptr for a number
  std::vector<uint64_t> numbers_;        // big endian
};

// What came of a statement.
enum class Verdict {
  kOk,
  kAway,      // the connection is gone, or the database is going; whether it was done is not known
  kConflict,  // SQLSTATE 40001, 40P01: run the transaction again
  kUnknown,   // 40003: the database itself does not know
  kDiskFull,  // 53100
  kDamaged,   // XX001, XX002
  kRefused,   // anything else
};

class Answer {
 public:
  // `cause`: in words, without data. Empty if all is well.
  Answer(Verdict verdict, std::string cause, pg_result* result);
  ~Answer();
  Answer(Answer&& other) noexcept;
  Answer& operator=(Answer&&) = delete;

  Verdict verdict() const { return verdict_; }
  bool ok() const { return verdict_ == Verdict::kOk; }
  const std::string& cause() const { return cause_; }
  size_t rows() const;
  uint64_t affected() const;
  std::string_view Bytes(size_t row, int column) const;
  uint64_t Int(size_t row, int column) const;  // of a bigint

 private:
  Verdict verdict_;
  std::string cause_;
  pg_result* result_;
};

// Used by one thread at a time.
class Connection {
 public:
  // UNAVAILABLE STORE_AWAY. `name`: of the store, for messages.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& settings,
                                                          const std::string& name);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Prepares the statement if this connection has not yet.
  Answer Run(const Statement& statement, const Params& params = {});
  // Without preparing: for what is done once.
  Answer RunOnce(const std::string& text, const Params& params = {});
  // After it only a new connection helps.
  bool broken() const;
  const std::string& name() const { return name_; }

 private:
  Connection(pg_conn* connection, std::string name) : connection_(connection), name_(std::move(name)) {}
  Answer Judge(pg_result* result) const;

  pg_conn* const connection_;
  const std::string name_;
  std::unordered_set<std::string> prepared_;
};

// The error for an answer that is not OK.
absl::Status ToStatus(const Answer& answer, const std::string& name);

}  // namespace pharos::storage::sql
