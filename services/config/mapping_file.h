// A mapping file of `pharos import`: where a contact file's columns differ from ours.
//
//   separator = ";"
//   ignore = ["Notes", "Last contacted by"]
//   [columns]
//   record_id = "Client No"                                        a column of the file
//   given_name = ["First name", "Middle name"]                     several, joined by a space
//   date_of_birth = { from = "DOB", date = "dd/mm/yyyy" }
//   consent_sms = { from = "Text OK?", values = { Y = "granted", N = "withdrawn" } }
//   area = { constant = "E08000035" }                              the same for every row
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::config {

struct MappedColumn {
  std::vector<std::string> from;
  std::string constant;
  std::string date;
  std::map<std::string, std::string> values;
};
struct MappingFile {
  std::map<std::string, MappedColumn> columns;  // by our name
  std::vector<std::string> ignore;
  std::string separator;  // empty: ','
};

// INVALID_ARGUMENT (MAPPING_WRONG) with line and cause.
absl::StatusOr<MappingFile> ParseMapping(std::string_view text, const std::string& file);
absl::StatusOr<MappingFile> LoadMapping(const std::string& file);

}  // namespace pharos::config
