#include "services/audience/table_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/strings/str_join.h"
#include "services/audience/errors.h"
#include "services/audience/london.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::audience {
namespace {

constexpr size_t kMaxDigits = 6;  // of an edge; ages and counts

bool IsDate(const FieldInfo& field) {
  return std::string_view(TypeName(field.type)) == "date";
}
bool IsInt(const FieldInfo& field) {
  return std::string_view(TypeName(field.type)) == "int";
}
bool NeedsEdges(const FieldInfo& field) {
  return IsDate(field) || std::string_view(field.name) == "age";
}

absl::Status NoSuchField(size_t index, std::string_view name) {
  const std::vector<std::string> known = ValueFieldNames();
  const std::string nearest = base::Nearest(name, known);
  std::string message = fmt::format("{} is no field that a table can have", ShowName(name));
  if (!nearest.empty()) message += fmt::format("; did you mean \"{}\"?", nearest);
  message += fmt::format(" Known: {}", absl::StrJoin(known, ", "));
  return AudienceErrors::DimensionWrong(index, message, nearest);
}

absl::StatusOr<int64_t> ReadEdge(size_t index, const FieldInfo& field, const std::string& text) {
  if (IsDate(field)) {
    const auto date = ParseDate(text);
    if (date) return *date;
    return AudienceErrors::EdgesWrong(index, "an edge is a date that exists, e.g. 1960-01-01");
  }
  const bool number = !text.empty() && text.size() <= kMaxDigits &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (number) return std::stoll(text);
  return AudienceErrors::EdgesWrong(index, "an edge is a whole number, e.g. 18");
}

absl::StatusOr<TableDimension> CheckDimension(size_t index, const v1::Dimension& dimension) {
  TableDimension checked;
  checked.field = FindValueField(dimension.field());
  if (checked.field == nullptr) return NoSuchField(index, dimension.field());
  const bool banded = IsDate(*checked.field) || IsInt(*checked.field);
  if (!banded && dimension.edges_size() > 0) {
    return AudienceErrors::EdgesWrong(
        index, fmt::format("{} has no bands: leave the edges out", checked.field->name));
  }
  if (NeedsEdges(*checked.field) && dimension.edges_size() == 0) {
    return AudienceErrors::EdgesWrong(
        index, fmt::format("{} needs bands: give their lower edges, ascending", checked.field->name));
  }
  for (const std::string& text : dimension.edges()) {
    PHAROS_ASSIGN_OR_RETURN(const int64_t edge, ReadEdge(index, *checked.field, text));
    if (!checked.edges.empty() && edge <= checked.edges.back())
      return AudienceErrors::EdgesWrong(index, "edges ascend: each is above the one before");
    checked.edges.push_back(edge);
    checked.edge_texts.push_back(text);
  }
  return checked;
}

}  // namespace

absl::StatusOr<std::vector<TableDimension>> CheckDimensions(const v1::BreakDownAudienceRequest& request) {
  std::vector<TableDimension> dimensions;
  for (const v1::Dimension& dimension : request.dimensions()) {
    PHAROS_ASSIGN_OR_RETURN(TableDimension checked, CheckDimension(dimensions.size(), dimension));
    for (const TableDimension& earlier : dimensions) {
      if (earlier.field == checked.field)
        return AudienceErrors::DimensionWrong(dimensions.size(), "name each field once");
    }
    dimensions.push_back(std::move(checked));
  }
  return dimensions;
}

bool IsSetField(const FieldInfo& field) {
  return std::string_view(TypeName(field.type)) == "set";
}

std::vector<bool> SetDimensions(const std::vector<TableDimension>& dimensions) {
  std::vector<bool> sets;
  for (const TableDimension& dimension : dimensions) sets.push_back(IsSetField(*dimension.field));
  return sets;
}

std::vector<std::string> ValueFieldNames() {
  std::vector<std::string> names;
  for (const FieldInfo& field : AllFields()) {
    if (FindValueField(field.name) != nullptr) names.emplace_back(field.name);
  }
  return names;
}

const FieldInfo* FindValueField(std::string_view name) {
  const FieldInfo* field = FindField(name);
  if (field == nullptr || field->type == FieldType::kPerson || field->type == FieldType::kTime)
    return nullptr;
  return field;
}

}  // namespace pharos::audience
