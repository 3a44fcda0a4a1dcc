// The published fields and functions of filters: one table, for the check and for ListFields.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/audience/compact_person.h"

namespace pharos::audience {

enum class FieldType {
  kText,
  kInt,
  kDate,
  kTime,
  kKinds,
  kInterests,
  kSources,
  kPerson,
  kDeprivation,
  kInclusion,
  kFunction
};

struct FieldInfo {
  const char* name;
  FieldType type;
  TextField text;           // for kText
  const char* description;  // what it means, units
  const char* example;      // a filter that uses it
};

// By name.
std::span<const FieldInfo> AllFields();
// nullptr: there is none (or it is a function; FindFunction: or it is a field).
const FieldInfo* FindField(std::string_view name);
const FieldInfo* FindFunction(std::string_view name);
std::vector<std::string> FieldNames();
std::vector<std::string> FunctionNames();
// string, int, date, timestamp, set, function: as ListFields says it.
const char* TypeName(FieldType type);

}  // namespace pharos::audience
