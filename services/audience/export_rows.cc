#include "services/audience/export_rows.h"

#include <fmt/format.h>

#include <string_view>

namespace pharos::audience {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kRunsAsFormula = "=+-@\t\r";

void AppendCsv(std::string value, std::string& out) {
  if (!value.empty() && kRunsAsFormula.find(value.front()) != std::string_view::npos)
    value.insert(0, 1, '\'');
  if (value.find_first_of(",\"\r\n") == std::string::npos) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void AppendJson(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendCsvRow(const std::vector<std::string>& values, std::string& out) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    AppendCsv(values[i], out);
  }
  out += kLineEnd;
}

}  // namespace

std::string ExportHeader(ExportForm form, const std::vector<std::string>& fields) {
  std::string header;
  if (form == ExportForm::kCsv) AppendCsvRow(fields, header);
  return header;
}

void AppendRow(ExportForm form, const std::vector<std::string>& fields,
               const std::vector<std::string>& values, std::string& out) {
  if (form == ExportForm::kCsv) return AppendCsvRow(values, out);
  out += '{';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    AppendJson(fields[i], out);
    out += ':';
    AppendJson(values[i], out);
  }
  out += "}\n";
}

}  // namespace pharos::audience
