// Known links from a file: CSV with the columns source, record_id and person_id, in any order, others left
// alone. Rows of one person_id are one person, wherever in the file they stand.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::cli {

// One person of two records or more.
struct KnownPerson {
  std::string id;                    // as in the file
  int64_t line = 0;                  // where it came first
  std::vector<std::string> records;  // "sources/…/records/…"
};
struct KnownLinks {
  std::vector<KnownPerson> people;  // in the order of the file
  int64_t rows = 0;
  int64_t alone = 0;  // people of one record: there is nothing to say of them
  struct Problem {
    int64_t line = 0;
    std::string message;
  };
  std::vector<Problem> problems;  // rows left out
};
// INVALID_ARGUMENT (USAGE) where a column is missing.
absl::StatusOr<KnownLinks> ReadKnownLinks(std::istream& file);

// The cells of a CSV line: quoted where they hold a comma or a quote. Cells do not go over several lines.
std::vector<std::string> CsvCells(std::string_view line);

}  // namespace pharos::cli
