// CSV files: rows are the same however the file arrives, no row is lost in silence, and what a field holds is
// UTF-8.
#include "services/customer/csv.h"

#include <algorithm>

#include "services/base/text.h"
#include "tests/fuzz/fuzz.h"

using namespace pharos::customer;  // NOLINT

namespace {

std::vector<CsvRow> Read(std::string_view data, size_t piece) {
  std::vector<CsvRow> rows;
  CsvReader reader([&](CsvRow row) {
    rows.push_back(std::move(row));
    return true;
  });
  while (!data.empty()) {
    CHECK(reader.Feed(data.substr(0, piece)));
    data.remove_prefix(std::min(piece, data.size()));
  }
  CHECK(reader.Finish());
  return rows;
}

std::string Quoted(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (!line.empty()) line += ',';
    line += '"';
    for (char c : field) line += c == '"' ? std::string("\"\"") : std::string(1, c);
    line += '"';
  }
  return line + "\r\n";
}

}  // namespace

FUZZ(data) {
  const auto one = Read(data, data.size() + 1), other = Read(data, 3);
  CHECK(one.size() == other.size());
  std::string written;
  std::vector<std::vector<std::string>> good;
  int64_t line = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    CHECK(one[i].line == other[i].line && one[i].fields == other[i].fields && one[i].wrong == other[i].wrong);
    CHECK(one[i].line > line);
    line = one[i].line;
    if (!one[i].wrong.empty()) continue;
    for (const auto& field : one[i].fields) CHECK(pharos::base::IsUtf8(field));
    good.push_back(one[i].fields);
    written += Quoted(one[i].fields);
  }
  if (std::any_of(good.begin(), good.end(),
                  [](const auto& fields) { return Quoted(fields).size() > 30'000; }))
    return;
  size_t at = 0;
  for (const CsvRow& row : Read(written, 64)) {
    if (!row.wrong.empty()) return;  // quoting made it longer than a row may be
    CHECK(at < good.size() && row.fields == good[at++]);
  }
  CHECK(at == good.size());
}
