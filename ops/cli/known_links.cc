#include "ops/cli/known_links.h"

#include <algorithm>
#include <unordered_map>

#include "fmt/format.h"
#include "ops/cli/args.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::cli {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Columns {
  size_t source = 0, record = 0, person = 0;
  size_t most() const { return std::max({source, record, person}); }
};

absl::StatusOr<size_t> Find(const std::vector<std::string>& header, std::string_view column) {
  const auto it = std::find(header.begin(), header.end(), column);
  if (it != header.end()) return static_cast<size_t>(it - header.begin());
  return UsageError(
      fmt::format("The first line has no column \"{}\"; it needs source, record_id and person_id.", column));
}

absl::StatusOr<Columns> ColumnsOf(std::string_view line) {
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  const auto header = CsvCells(line);
  Columns columns;
  PHAROS_ASSIGN_OR_RETURN(columns.source, Find(header, "source"));
  PHAROS_ASSIGN_OR_RETURN(columns.record, Find(header, "record_id"));
  PHAROS_ASSIGN_OR_RETURN(columns.person, Find(header, "person_id"));
  return columns;
}

}  // namespace

std::vector<std::string> CsvCells(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quoted && c == '"' && at + 1 < line.size() && line[at + 1] == '"') {
      cells.back() += line[++at];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  for (auto& cell : cells) cell = std::string(base::TrimAscii(cell));
  return cells;
}

absl::StatusOr<KnownLinks> ReadKnownLinks(std::istream& file) {
  std::string line;
  if (!std::getline(file, line)) return UsageError("The file is empty.");
  PHAROS_ASSIGN_OR_RETURN(const Columns columns, ColumnsOf(line));
  KnownLinks links;
  std::unordered_map<std::string, size_t> places;
  for (int64_t number = 2; std::getline(file, line); ++number) {
    if (base::TrimAscii(line).empty()) continue;
    ++links.rows;
    const auto cells = CsvCells(line);
    if (cells.size() <= columns.most() || cells[columns.source].empty() || cells[columns.record].empty() ||
        cells[columns.person].empty()) {
      links.problems.push_back({number, "source, record_id or person_id is missing; fill it in"});
      continue;
    }
    const auto [it, fresh] = places.try_emplace(cells[columns.person], links.people.size());
    if (fresh) links.people.push_back({cells[columns.person], number, {}});
    links.people[it->second].records.push_back(
        fmt::format("{}/records/{}", Name("sources", cells[columns.source]), cells[columns.record]));
  }
  links.alone =
      std::erase_if(links.people, [](const KnownPerson& person) { return person.records.size() < 2; });
  return links;
}

}  // namespace pharos::cli
