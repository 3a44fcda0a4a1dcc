// Comma-separated values as in RFC 4180, read as they arrive. Tolerates CRLF, a byte order mark, empty lines
// and quotes inside a field that does not begin with one. What cannot be read costs its own line only:
// reading goes on with the next line.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pharos::customer {

// One row, or why there is none.
struct CsvRow {
  int64_t line = 0;                 // where it begins; the first line is 1
  std::vector<std::string> fields;  // empty if `wrong` is set and nothing could be told apart
  std::string wrong;                // "" or ROW_TRUNCATED, QUOTE_WRONG, NUL_BYTE, NOT_UTF8, ROW_TOO_LONG
  bool unterminated = false;        // the file's last line, without a line end
};

// Not thread-safe.
class CsvReader {
 public:
  // Gets each row once, in order; false ends the reading.
  using OnRow = std::function<bool(CsvRow row)>;
  explicit CsvReader(OnRow on_row, char separator = ',')
      : on_row_(std::move(on_row)), separator_(separator) {}

  // The next bytes of the file. False once on_row said so.
  bool Feed(std::string_view bytes);
  // The file has ended.
  bool Finish();

  static constexpr size_t kMostRowBytes = 64 << 10;  // a contact takes some 200
  static constexpr int kMostRowLines = 64;           // past this a quote was never closed

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted, kSkip };

  bool Take(char c);
  void EndField();
  bool EndRow(bool unterminated);
  // Gives up the row's first line and reads the rest again.
  bool Reject(std::string_view reason);
  void Reset();

  OnRow on_row_;
  const char separator_;
  State state_ = State::kFieldStart;
  std::string raw_;  // bytes of the row so far, to read again
  std::string field_;
  std::vector<std::string> fields_;
  int64_t line_ = 1;  // of the row's beginning
  int lines_in_row_ = 0;
  size_t mark_seen_ = 0;  // bytes of the byte order mark matched; 4: past it
  bool stopped_ = false;
};

}  // namespace pharos::customer
