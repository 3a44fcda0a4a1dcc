// Which records belong to one person, by rules that need no score. Pure: the answer depends on the set of
// records, never on the order in which they came.
//
// Two records are linked if one of these holds and nothing speaks against it:
//   - same valid NHS number and same date of birth (placeholder dates such as 1900-01-01 do not count);
//   - same personal email address and compatible names;
//   - same mobile number and compatible names.
// Against it: two dates of birth that differ by more than a swapped day and month or one slip of the finger
// within ten years; and, for email and phone, two different valid NHS numbers. Role mailboxes (reception@…),
// landlines and foreign numbers never link. Names are compatible if the given names are equal, nickname and
// name, name and initial, or nearly the same, and the family names are equal or nearly the same (or one is
// missing and the given names are equal). Unknown names never link.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pharos/record/v1/customer.pb.h"

namespace pharos::customer {

// What the rules look at.
struct LinkFeatures {
  std::string record;                    // "sources/…/records/…"
  int64_t create_time_us = 0;            // arrival: the eldest record's person keeps its id
  std::string person;                    // "people/…" it is linked to now; empty: none yet
  std::string given, family;             // folded
  std::string birth;                     // ISO 8601, empty if unknown or a placeholder
  std::string nhs_number, email, phone;  // empty where it may not link
};
LinkFeatures FeaturesOf(const record::v1::RecordRow& row);

enum class LinkRule { kNone, kNhsNumber, kEmail, kPhone };
LinkRule RuleFor(const LinkFeatures& a, const LinkFeatures& b);
// "NHS number and date of birth", …
std::string_view RuleText(LinkRule rule);

// (use, value) pairs under which a record is found by others: "link:nhs_number", "link:email", "link:phone".
std::vector<std::pair<std::string_view, std::string>> LinkKeys(const LinkFeatures& features);

// Connected components. Groups and their members are in the order of the record names.
struct Resolution {
  std::vector<std::vector<size_t>> groups;  // positions in the argument
  std::vector<std::string> reasons;         // per position: "only record", "email and name with sources/…"
};
Resolution Resolve(const std::vector<LinkFeatures>& records);

// For each group the id it keeps, or "" for a new one: the group with the eldest record of a person keeps
// that person's id; if it has several, that of the eldest.
std::vector<std::string> KeptIds(const std::vector<LinkFeatures>& records,
                                 const std::vector<std::vector<size_t>>& groups);

// Letters and digits only, lower case, no accents.
std::string FoldName(std::string_view name);
// 0 to 1; 1 = equal.
double JaroWinkler(std::string_view a, std::string_view b);
bool NamesCompatible(const LinkFeatures& a, const LinkFeatures& b);
bool BirthsCompatible(std::string_view a, std::string_view b);

}  // namespace pharos::customer
