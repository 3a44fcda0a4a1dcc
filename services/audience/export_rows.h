// Rows of an export as text: CSV (RFC 4180) or NDJSON. Pure.
#pragma once

#include <string>
#include <vector>

namespace pharos::audience {

enum class ExportForm { kCsv, kNdjson };

// The header row; nothing for NDJSON.
std::string ExportHeader(ExportForm form, const std::vector<std::string>& fields);
// One row, with its line end; a value for each field. In CSV a value that a spreadsheet would run as a
// formula (it begins with = + - @, a tab or a carriage return: OWASP, CSV injection) begins with an
// apostrophe.
void AppendRow(ExportForm form, const std::vector<std::string>& fields,
               const std::vector<std::string>& values, std::string& out);

}  // namespace pharos::audience
