#include "services/audience/filter_fields.h"

#include <array>

namespace pharos::audience {
namespace {

constexpr auto kNoText = kTextFields;

constexpr std::array kFields = {
    FieldInfo{"age", FieldType::kInt, kNoText, "Age today in whole years, by the calendar in London.",
              "age >= 18"},
    FieldInfo{
        "area", FieldType::kText, kArea,
        "Area that the person lives or works in, by its code or its name: of the postcode where that is "
        "known, else as a source said.",
        "area = \"Leeds\""},
    FieldInfo{"audience_kinds", FieldType::kKinds, kNoText,
              "Capacities in which we know the person: INTERNAL (staff), PARTNER, PUBLIC.",
              "audience_kinds:PUBLIC"},
    FieldInfo{"consent", FieldType::kFunction, kNoText,
              "consent(channel, purpose): a grant is in force for the purpose on SMS or EMAIL and no opt-out "
              "or objection covers it.",
              "consent(SMS, \"purposes/stop-smoking\")"},
    FieldInfo{"date_of_birth", FieldType::kDate, kNoText, "Date of birth, as year-month-day.",
              "date_of_birth < \"1960-01-01\""},
    FieldInfo{"deprivation", FieldType::kDeprivation, kNoText,
              "Deprivation decile of where the person lives: 1 the most deprived tenth, 10 the least.",
              "deprivation <= 3"},
    FieldInfo{"digital_inclusion", FieldType::kInclusion, kNoText,
              "Place on the digital inclusion scale: 1 never has and never will, 9 expert.",
              "digital_inclusion <= 3"},
    FieldInfo{"engaged", FieldType::kFunction, kNoText,
              "engaged(campaign, event, days): the person had the event in the campaign (\"*\": in any) "
              "today or on "
              "the days before, as many in all; without days at any time. Events: sent, delivered, failed, "
              "unconfirmed, withheld, replied, opted_out, complained, clicked (followed a link that was "
              "counted, having agreed to that).",
              "engaged(\"campaigns/flu\", delivered, 30)"},
    FieldInfo{"has", FieldType::kFunction, kNoText, "has(field): the field has a value; the same as field:*.",
              "has(postcode)"},
    FieldInfo{"interests", FieldType::kInterests, kNoText, "What the person said they are interested in.",
              "interests:walking"},
    FieldInfo{"language", FieldType::kText, kLanguage, "Language that the person prefers.",
              "language = \"en\""},
    FieldInfo{"organisation", FieldType::kText, kOrganisation, "Organisation that the person works for.",
              "organisation = \"Leeds*\""},
    FieldInfo{"person", FieldType::kPerson, kNoText, "The person's name in this system.",
              "person = \"people/01jd3v7m8q0000000000000000\""},
    FieldInfo{"postcode", FieldType::kText, kPostcode,
              "Postcode; spaces do not matter, a * at the end stands for the rest.", "postcode = \"LS1*\""},
    FieldInfo{"reachable", FieldType::kFunction, kNoText,
              "reachable(channel): there is an endpoint for SMS or EMAIL that is not suppressed.",
              "reachable(SMS)"},
    FieldInfo{"region", FieldType::kText, kRegion, "Region of the area, by its code or its name.",
              "region = \"Yorkshire and The Humber\""},
    FieldInfo{"role", FieldType::kText, kRole, "Role at the organisation.", "role = \"practice manager\""},
    FieldInfo{"sex", FieldType::kText, kSex, "Sex, as the sources state it.", "sex = \"female\""},
    FieldInfo{"sources", FieldType::kSources, kNoText, "Sources that have a record of the person.",
              "sources:\"sources/gp-leeds\""},
    FieldInfo{
        "update_time", FieldType::kTime, kNoText,
        "When a source last changed a record of the person: a day in London, or a moment with its zone.",
        "update_time >= \"2026-01-01\""},
    FieldInfo{"upper_tier", FieldType::kText, kUpperTier,
              "Upper-tier authority of the area, by its code or its name.", "upper_tier = \"Kent\""},
};

const FieldInfo* Find(std::string_view name, bool function) {
  for (const FieldInfo& field : kFields) {
    if (field.name == name && (field.type == FieldType::kFunction) == function) return &field;
  }
  return nullptr;
}

std::vector<std::string> Names(bool functions) {
  std::vector<std::string> names;
  for (const FieldInfo& field : kFields) {
    if ((field.type == FieldType::kFunction) == functions) names.emplace_back(field.name);
  }
  return names;
}

}  // namespace

std::span<const FieldInfo> AllFields() {
  return kFields;
}
const FieldInfo* FindField(std::string_view name) {
  return Find(name, false);
}
const FieldInfo* FindFunction(std::string_view name) {
  return Find(name, true);
}
std::vector<std::string> FieldNames() {
  return Names(false);
}
std::vector<std::string> FunctionNames() {
  return Names(true);
}

const char* TypeName(FieldType type) {
  switch (type) {
    case FieldType::kInt:
    case FieldType::kDeprivation:
    case FieldType::kInclusion:
      return "int";
    case FieldType::kDate:
      return "date";
    case FieldType::kTime:
      return "timestamp";
    case FieldType::kKinds:
    case FieldType::kInterests:
    case FieldType::kSources:
      return "set";
    case FieldType::kFunction:
      return "function";
    case FieldType::kText:
    case FieldType::kPerson:
      break;
  }
  return "string";
}

}  // namespace pharos::audience
