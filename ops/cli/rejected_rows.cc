#include "ops/cli/rejected_rows.h"

#include <string_view>

namespace pharos::cli {
namespace {

constexpr int kColumns = 4;

std::string Quoted(std::string_view cell) {
  std::string text = "\"";
  for (char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

// Of these the importer gives up the first line only, and reads on with the next one.
bool IsOfOneLine(const std::string& reason) {
  return reason == "QUOTE_WRONG" || reason == "ROW_TOO_LONG" || reason == "ROW_TRUNCATED";
}

// Reads rows as they stand in the file, whatever they hold; quotes may span lines.
class RawRows {
 public:
  RawRows(std::istream& file, char separator) : file_(file), separator_(separator) {}

  int64_t line() const { return line_; }  // where the next row begins
  // The next row's bytes, with its line end. False: there are no more.
  bool Next(bool one_line, std::string& row) {
    row.clear();
    bool at_start = true, in_quotes = false, quoted_field = false;
    for (int c; (c = file_.get()) != EOF;) {
      row += static_cast<char>(c);
      if (c == '\n') ++line_;
      if (c == '\n' && (one_line || !in_quotes)) return true;
      if (at_start) quoted_field = c == '"';
      if (c == '"' && quoted_field) in_quotes = !in_quotes;  // a doubled one opens again
      at_start = !in_quotes && c == separator_;
    }
    return !row.empty();
  }

 private:
  std::istream& file_;
  const char separator_;
  int64_t line_ = 1;
};

std::string Front(int64_t line, const Rejection& why, char separator) {
  return std::to_string(line) + separator + Quoted(why.column) + separator + why.reason + separator +
         Quoted(why.message) + separator;
}

std::string WithEnd(std::string row) {
  if (row.empty() || row.back() != '\n') row += '\n';
  return row;
}

// A file that was mended once has our columns already: they are replaced.
std::string WithoutFront(const std::string& row, bool has_front, char separator) {
  if (!has_front) return row;
  size_t at = 0;
  for (int column = 0; column < kColumns && at < row.size(); ++column) {
    bool quoted = false;
    while (at < row.size() && (quoted || row[at] != separator)) quoted ^= row[at++] == '"';
    if (at < row.size()) ++at;
  }
  return row.substr(at);
}

}  // namespace

std::string RejectionHeader(char separator) {
  return std::string("rejected_line") + separator + "rejected_column" + separator + "rejected_reason" +
         separator + "rejected_message" + separator;
}

void WriteRejectedRows(std::istream& file, const std::map<int64_t, Rejection>& rejected, char separator,
                       std::ostream& out) {
  RawRows rows(file, separator);
  std::string row;
  if (!rows.Next(false, row)) return;
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (std::string_view(row).starts_with(kMark)) row.erase(0, kMark.size());
  const bool has_front = row.starts_with(RejectionHeader(separator));
  out << RejectionHeader(separator) << WithEnd(WithoutFront(row, has_front, separator));
  while (true) {
    const int64_t line = rows.line();
    const auto it = rejected.find(line);
    if (!rows.Next(it != rejected.end() && IsOfOneLine(it->second.reason), row)) return;
    if (it != rejected.end())
      out << Front(line, it->second, separator) << WithEnd(WithoutFront(row, has_front, separator));
  }
}

}  // namespace pharos::cli
