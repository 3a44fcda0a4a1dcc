// A register of organisations as a file: CSV with a header line, such as the extracts of the Organisation
// Data Service or of the Office for National Statistics. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/organisation_service.pb.h"

namespace pharos::cli {

// How our columns are made of the file's. Ours: code, name, kind, parent, successor, closed, subscriber,
// area, mail-domains.
struct OrganisationColumns {
  std::map<std::string, std::string> from;      // ours → the file's, where it is called otherwise
  std::map<std::string, std::string> constant;  // ours → the same for every row
  std::string id_prefix;                        // before the code, where two registers could share one
  std::string parent_prefix;                    // the same for parents, which may stand in another register
};

struct OrganisationLine {
  int64_t line = 0;  // in the file; the header is 1
  std::string id;
  customer::v1::Organisation organisation;  // parent and successor as names; without name and etag
  std::string wrong;                        // in words; empty: it can be stored
};
// In such an order that parents and successors which the file has come first. INVALID_ARGUMENT (USAGE) for a
// header that lacks what is needed, with the nearest column; what is wrong with one line is its own.
absl::StatusOr<std::vector<OrganisationLine>> ReadOrganisationFile(std::string_view text,
                                                                   const OrganisationColumns& columns);

// The cells of the lines of a CSV file as RFC 4180 has it; empty lines are left out.
struct CsvLine {
  int64_t line = 0;
  std::vector<std::string> cells;
};
std::vector<CsvLine> ReadCsv(std::string_view text);

// "Y56" → "y56", "E08000035" → "e08000035": an id out of a code.
std::string OrganisationIdOf(std::string_view prefix, std::string_view code);

}  // namespace pharos::cli
