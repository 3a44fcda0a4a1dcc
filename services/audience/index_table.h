// People by cells of up to four dimensions: one pass over the columns, no bitmap per cell. Pure over one
// moment of the index.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "services/audience/index_data.h"
#include "services/audience/people_index.h"

namespace pharos::audience {

absl::StatusOr<std::vector<TableCell>> MakeTable(const IndexData& data, PackedDate today,
                                                 const Roaring& people,
                                                 const std::vector<TableDimension>& dimensions,
                                                 const std::vector<const Roaring*>& measures, size_t most);
Roaring PeopleOfCell(const IndexData& data, PackedDate today, const Roaring& people,
                     const std::vector<TableDimension>& dimensions, const TableCell& cell);
// A field's value as text: members of a set ';'-separated.
std::string ValueAt(const IndexData& data, PackedDate today, PersonNo person, const FieldInfo& field);

}  // namespace pharos::audience
