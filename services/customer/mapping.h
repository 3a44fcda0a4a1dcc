// Where a file's columns differ from ours: how each of our columns is made from a row of the file. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pharos/customer/v1/import_service.pb.h"

namespace pharos::customer {

// How one of our columns is made.
class ColumnMaker {
 public:
  // The file's column as it is.
  explicit ColumnMaker(size_t column) : from_{column} {}
  // As a mapping says; `from` are the places of its columns.
  ColumnMaker(std::vector<size_t> from, const v1::ImportMapping::Column& how);

  // From the cells of a row that has the header's shape.
  std::string Make(const std::vector<std::string>& cells) const;

 private:
  std::vector<size_t> from_;  // joined by a space; empty cells are passed over
  std::string constant_;
  std::string date_;  // layout
  std::map<std::string, std::string, std::less<>> values_;
  bool is_constant_ = false;
};

// Date layouts that there are.
const std::vector<std::string>& DateLayouts();
// ISO 8601 of a date in a layout; "" if it has another shape. Whether there is such a day is looked at later.
std::string IsoOfLayout(std::string_view layout, std::string_view text);

// What a file's header comes to: our columns in order, each with its maker.
struct MappedColumns {
  std::vector<std::string> names;
  std::vector<ColumnMaker> makers;
};
// `known`: every column of ours, which the mapping and the file may name. What is wrong goes to `problems`,
// in words that name no cell of the file but those that the mapping names.
MappedColumns MapColumns(const std::vector<std::string>& header, const v1::ImportMapping& mapping,
                         const std::vector<std::string>& known, std::vector<std::string>& problems);

// Columns that our own list of rejected rows adds; a file that is sent again after mending may have them.
bool IsRejectionColumn(std::string_view column);

}  // namespace pharos::customer
