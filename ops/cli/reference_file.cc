#include "ops/cli/reference_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "ops/cli/args.h"
#include "ops/cli/organisation_file.h"

namespace pharos::cli {
namespace {

using Request = audience::v1::LoadReferenceRequest;

constexpr int kRowsAtOnce = 2000;

struct Column {
  std::string name;
  bool needed;
  std::vector<std::string> also;  // what common extracts call it
};

std::vector<Column> ColumnsOf(Request::Kind kind) {
  if (kind == Request::AREAS) {
    return {{"code", true, {"la_code"}},
            {"name", true, {"la_name"}},
            {"upper-tier", false, {"upper_tier", "upper_tier_code"}},
            {"upper-tier-name", false, {"upper_tier_name"}},
            {"region", false, {"region_code"}},
            {"region-name", false, {"region_name"}},
            {"deprivation-decile",
             false,
             {"deprivation_decile", "imd2025_decile_of_rank", "imd2019_decile_of_rank"}}};
  }
  if (kind == Request::AREA_CODE_CHANGES)
    return {{"code", true, {"la_code"}}, {"code-now", true, {"code_now", "la_code_now"}}};
  return {{"postcode", true, {"pcds"}},
          {"area", true, {"la_code", "oslaua"}},
          {"deprivation-decile", false, {"deprivation_decile", "imd2019_decile"}}};
}

std::optional<size_t> Find(const std::vector<std::string>& header, const std::string& name) {
  const auto at = std::find(header.begin(), header.end(), name);
  return at == header.end() ? std::nullopt : std::optional<size_t>(at - header.begin());
}

absl::StatusOr<std::optional<size_t>> PlaceOf(const Column& column, const std::vector<std::string>& header,
                                              const std::map<std::string, std::string>& from) {
  if (const auto mapped = from.find(column.name); mapped != from.end()) {
    if (const auto at = Find(header, mapped->second)) return at;
    return UsageError(fmt::format("The file has no column \"{}\" for {}.", mapped->second, column.name));
  }
  if (const auto at = Find(header, column.name)) return at;
  for (const std::string& other : column.also) {
    if (const auto at = Find(header, other)) return at;
  }
  if (!column.needed) return std::nullopt;
  return UsageError(fmt::format("The file has no column \"{}\". Say how it is called: --columns {}=NAME.",
                                column.name, column.name));
}

// A decile that cannot be read is sent as it cannot be, so that the row is named.
uint32_t Decile(const std::string& text) {
  uint32_t decile = 0;
  if (text.empty()) return 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), decile);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() ? decile : 99;
}

void Add(Request::Kind kind, const std::vector<std::string>& cells, Request& request) {
  if (kind == Request::AREAS) {
    auto& area = *request.add_areas();
    area.set_code(cells[0]);
    area.set_display_name(cells[1]);
    area.set_upper_tier(cells[2]);
    area.set_upper_tier_name(cells[3]);
    area.set_region(cells[4]);
    area.set_region_name(cells[5]);
    area.set_deprivation_decile(Decile(cells[6]));
  } else if (kind == Request::AREA_CODE_CHANGES) {
    auto& change = *request.add_changes();
    change.set_code(cells[0]);
    change.set_code_now(cells[1]);
  } else {
    auto& postcode = *request.add_postcodes();
    postcode.set_postcode(cells[0]);
    postcode.set_area(cells[1]);
    postcode.set_deprivation_decile(Decile(cells[2]));
  }
}

}  // namespace

absl::StatusOr<ReferenceFile> ReadReferenceFile(Request::Kind kind, std::string_view text,
                                                const std::map<std::string, std::string>& from,
                                                const std::string& attribution) {
  const std::vector<CsvLine> lines = ReadCsv(text);
  if (lines.empty()) return UsageError("The file is empty.");
  const std::vector<Column> columns = ColumnsOf(kind);
  std::vector<std::optional<size_t>> places;
  for (const Column& column : columns) {
    auto place = PlaceOf(column, lines[0].cells, from);
    if (!place.ok()) return place.status();
    places.push_back(*place);
  }
  ReferenceFile file;
  Request request;
  request.set_kind(kind);
  request.set_attribution(attribution);
  int rows = 0;
  for (size_t i = 1; i < lines.size(); ++i) {
    std::vector<std::string> cells;
    for (const auto& place : places)
      cells.push_back(place && *place < lines[i].cells.size() ? lines[i].cells[*place] : "");
    bool whole = true;
    for (size_t c = 0; c < columns.size(); ++c) whole &= !columns[c].needed || !cells[c].empty();
    if (!whole) {
      ++file.left_out;
      continue;
    }
    Add(kind, cells, request);
    if (++rows % kRowsAtOnce != 0) continue;
    file.requests.push_back(std::move(request));
    request = Request();
  }
  file.requests.push_back(std::move(request));
  return file;
}

}  // namespace pharos::cli
