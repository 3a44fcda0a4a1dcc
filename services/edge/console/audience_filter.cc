#include <fmt/format.h>

#include "services/base/text.h"
#include "services/edge/console/audience_pages.h"

namespace pharos::edge::console {
namespace {

std::string Quoted(std::string_view value) {
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::string RowFilter(std::string_view field, std::string_view type, std::string_view relation,
                      std::string_view value) {
  const std::string_view trimmed = base::TrimAscii(value);
  if (field.empty() || trimmed.empty()) return "";
  const bool plain = type == "int" || type == "bool";
  const std::string right = plain ? std::string(trimmed) : Quoted(trimmed);
  if (relation == "not") return fmt::format("NOT {}{}{}", field, type == "set" ? ":" : " = ", right);
  if (type == "set") return fmt::format("{}:{}", field, right);
  const char* sign = relation == "least" ? ">=" : relation == "most" ? "<=" : "=";
  return fmt::format("{} {} {}", field, sign, right);
}

std::string AllOf(const std::vector<std::string>& filters) {
  std::vector<std::string> said;
  for (const std::string& filter : filters)
    if (!base::TrimAscii(filter).empty()) said.emplace_back(base::TrimAscii(filter));
  if (said.size() == 1) return said[0];
  std::string all;
  for (const std::string& filter : said) {
    // OR binds tighter than AND there, and a reader should not have to know it.
    const bool composed = filter.find(" OR ") != std::string::npos;
    all += (all.empty() ? "" : " AND ") + (composed ? "(" + filter + ")" : filter);
  }
  return all;
}

}  // namespace pharos::edge::console
