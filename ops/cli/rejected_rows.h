// The rows of a contact file that were not stored, as they came, with the reason in front: to be mended and
// sent again.
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <ostream>
#include <string>

namespace pharos::cli {

struct Rejection {
  std::string column, reason, message;
};

// The columns that are put in front; a file that has them may be imported like any other.
std::string RejectionHeader(char separator);

// Copies the header and each row that begins at one of these lines (1 = the header) from `file` to `out`.
void WriteRejectedRows(std::istream& file, const std::map<int64_t, Rejection>& rejected, char separator,
                       std::ostream& out);

}  // namespace pharos::cli
