#include "storage/sql/connection.h"

#include <libpq-fe.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "fmt/format.h"
#include "storage/errors.h"
#include "storage/sql/errors.h"

namespace pharos::storage::sql {
namespace {

// Object ids of types, the same in every database that speaks this protocol.
constexpr unsigned kBytea = 17;
constexpr unsigned kInt8 = 20;

// Used unless the connection string says otherwise. A dead machine at the other end is noticed within
// seconds.
constexpr const char* kDefaults[][2] = {{"application_name", "pharos"}, {"connect_timeout", "5"},
                                        {"tcp_user_timeout", "10000"},  {"keepalives_idle", "5"},
                                        {"keepalives_interval", "2"},   {"keepalives_count", "3"},
                                        {"client_encoding", "UTF8"}};

// Every statement finds its rows through the primary key. A planner that saw the tables while they were
// empty, or knows nothing about them, may think otherwise and read them whole. A database that does not know
// a hint goes on without it.
// The first makes a commit wait for the disk, whatever the database was told; engines that do not know it
// always wait.
constexpr const char* kHints[] = {"SET synchronous_commit = on", "SET enable_seqscan = off",
                                  "SET enable_bitmapscan = off", "SET enable_sort = off"};

uint64_t BigEndian(uint64_t number) {
  if constexpr (std::endian::native == std::endian::little) return __builtin_bswap64(number);
  return number;
}

std::string OneLine(const char* text) {
  std::string line = text == nullptr ? "" : text;
  while (!line.empty() && line.back() == '\n') line.pop_back();
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  return line;
}

bool StartsWith(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

Verdict VerdictOf(std::string_view state) {
  if (state == "40001" || state == "40P01") return Verdict::kConflict;
  if (state == "40003") return Verdict::kUnknown;
  if (state == "53100") return Verdict::kDiskFull;
  if (state == "XX001" || state == "XX002") return Verdict::kDamaged;
  // Connection gone; the server stops or starts; it is a standby; it has no room for more.
  const bool away =
      StartsWith(state, "08") || StartsWith(state, "57P0") || state == "25006" || StartsWith(state, "53");
  return away ? Verdict::kAway : Verdict::kRefused;
}

}  // namespace

Params& Params::Bytes(std::string_view bytes) {
  types_.push_back(kBytea);
  bytes_.push_back(bytes.data() == nullptr ? std::string_view("") : bytes);
  numbers_.push_back(0);
  return *this;
}

Params& Params::Int(uint64_t number) {
  types_.push_back(kInt8);
  bytes_.emplace_back();
  numbers_.push_back(BigEndian(number));
  return *this;
}

Answer::Answer(Verdict verdict, std::string cause, pg_result* result)
    : verdict_(verdict), cause_(std::move(cause)), result_(result) {}

Answer::Answer(Answer&& other) noexcept
    : verdict_(other.verdict_),
      cause_(std::move(other.cause_)),
      result_(std::exchange(other.result_, nullptr)) {}

Answer::~Answer() {
  PQclear(result_);
}

size_t Answer::rows() const {
  return static_cast<size_t>(PQntuples(result_));
}

uint64_t Answer::affected() const {
  const std::string_view text = PQcmdTuples(result_);
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view Answer::Bytes(size_t row, int column) const {
  const int at = static_cast<int>(row);
  return {PQgetvalue(result_, at, column), static_cast<size_t>(PQgetlength(result_, at, column))};
}

uint64_t Answer::Int(size_t row, int column) const {
  const std::string_view bytes = Bytes(row, column);
  uint64_t number = 0;
  if (bytes.size() == sizeof number) std::memcpy(&number, bytes.data(), sizeof number);
  return BigEndian(number);
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& settings,
                                                             const std::string& name) {
  std::vector<const char*> words, values;
  for (const auto& [word, value] : kDefaults) {
    words.push_back(word);
    values.push_back(value);
  }
  words.insert(words.end(), {"dbname", nullptr});
  values.insert(values.end(), {settings.c_str(), nullptr});
  PGconn* const raw = PQconnectdbParams(words.data(), values.data(), /*expand_dbname=*/1);
  if (raw == nullptr) return SqlErrors::Away(name, "out of memory");
  std::unique_ptr<Connection> connection(new Connection(raw, name));
  if (PQstatus(raw) != CONNECTION_OK) return SqlErrors::Away(name, OneLine(PQerrorMessage(raw)));
  PQsetNoticeProcessor(
      raw, [](void*, const char*) {}, nullptr);  // it would write to standard error
  for (const char* hint : kHints) PQclear(PQexec(raw, hint));
  return connection;
}

Connection::~Connection() {
  PQfinish(connection_);
}

bool Connection::broken() const {
  return PQstatus(connection_) != CONNECTION_OK;
}

Answer Connection::Run(const Statement& statement, const Params& params) {
  if (!prepared_.contains(statement.name)) {
    Answer prepared = Judge(PQprepare(connection_, statement.name.c_str(), statement.text.c_str(),
                                      static_cast<int>(params.size()), params.types_.data()));
    if (!prepared.ok()) return prepared;
    prepared_.insert(statement.name);
  }
  std::vector<const char*> values;
  std::vector<int> lengths;
  const std::vector<int> formats(params.size(), 1);
  for (size_t i = 0; i < params.size(); ++i) {
    const bool number = params.bytes_[i].data() == nullptr;
    values.push_back(number ? reinterpret_cast<const char*>(&params.numbers_[i]) : params.bytes_[i].data());
    lengths.push_back(static_cast<int>(number ? sizeof(uint64_t) : params.bytes_[i].size()));
  }
  return Judge(PQexecPrepared(connection_, statement.name.c_str(), static_cast<int>(params.size()),
                              values.data(), lengths.data(), formats.data(), /*resultFormat=*/1));
}

Answer Connection::RunOnce(const std::string& text, const Params& params) {
  prepared_.erase("");  // the unnamed statement: each use replaces it
  return Run({"", text}, params);
}

// Only the state's code is told on: the database's own words may quote data.
Answer Connection::Judge(pg_result* result) const {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return Answer(Verdict::kOk, "", result);
  const char* field = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string state = field == nullptr ? "" : field;
  if (state.empty() || broken()) return Answer(Verdict::kAway, "the connection was lost", result);
  return Answer(VerdictOf(state), fmt::format("SQLSTATE {}", state), result);
}

absl::Status ToStatus(const Answer& answer, const std::string& name) {
  const std::string place = fmt::format("the database schema {}", name);
  switch (answer.verdict()) {
    case Verdict::kOk:
      return absl::OkStatus();
    case Verdict::kAway:
    case Verdict::kConflict:
    case Verdict::kUnknown:
      return SqlErrors::Away(name, answer.cause());
    case Verdict::kDiskFull:
      return StoreErrors::Failed(place, true, answer.cause());
    case Verdict::kDamaged:
      return StoreErrors::Damaged(place, answer.cause());
    case Verdict::kRefused:
      break;
  }
  return SqlErrors::Refused(name, answer.cause());
}

}  // namespace pharos::storage::sql
