// The dimensions of a table: fields that have values, edges of the field's type. Pure.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "pharos/audience/v1/audience_service.pb.h"
#include "services/audience/people_index.h"

namespace pharos::audience {

// INVALID_ARGUMENT: DIMENSION_WRONG (with the nearest field), EDGES_WRONG.
absl::StatusOr<std::vector<TableDimension>> CheckDimensions(const v1::BreakDownAudienceRequest& request);

// Whether a person can have several values of the field.
bool IsSetField(const FieldInfo& field);
// For each dimension.
std::vector<bool> SetDimensions(const std::vector<TableDimension>& dimensions);

// The fields that tables and exports may use: those that have values and do not name a person.
std::vector<std::string> ValueFieldNames();
// nullptr: it is not one of them.
const FieldInfo* FindValueField(std::string_view name);

}  // namespace pharos::audience
