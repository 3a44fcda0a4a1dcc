// A contact file before it is sent: its columns, what they probably mean, and the rows that were refused.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/customer/v1/import_service.pb.h"
#include "services/edge/console/form.h"

namespace pharos::edge::console {

// Our columns, as ImportService knows them, with words for people.
struct ContactColumn {
  const char *name, *words;
};
const std::vector<ContactColumn>& ContactColumns();

// The separator that the first line speaks of most: ',', ';', tab or '|'.
char SeparatorOf(std::string_view file);
// One row's cells (RFC 4180) from `at`, which moves past the row's end. `line`, if given, moves on by the
// line ends passed.
std::vector<std::string> NextRow(std::string_view file, char separator, size_t& at, int64_t* line = nullptr);
// The first line's cells, without a byte order mark.
std::vector<std::string> ColumnsOf(std::string_view file, char separator);

// What one of the file's columns probably is ("DOB" → "date_of_birth"); "" if nobody can tell.
std::string GuessColumn(std::string_view column);

// From the form's fields column-0, column-1 … (ours, or "" to leave it out), date_layout and consent_words.
customer::v1::ImportMapping MappingOf(const std::vector<std::string>& columns, char separator,
                                      const std::map<std::string, std::string>& said);
// What is wrong with it before anything is sent; "" if nothing.
std::string MappingProblem(const customer::v1::ImportMapping& mapping);

// "the row needs …" → "The row needs …."
std::string Sentence(std::string_view words);
// The rows that were refused, as they came, with line, column and reason in front.
std::string RefusedRows(std::string_view file, char separator,
                        const std::vector<customer::v1::RowError>& errors);

}  // namespace pharos::edge::console
