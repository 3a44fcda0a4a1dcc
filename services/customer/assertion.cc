#include "services/customer/assertion.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"

namespace pharos::customer {

using record::v1::AssertionRow;
using record::v1::AssertionSide;

namespace {

constexpr size_t kMostNamed = 3;  // decisions in one message

bool Holds(const AssertionSide& side, std::string_view record) {
  return std::binary_search(side.records().begin(), side.records().end(), record);
}

const AssertionRow* Find(std::span<const AssertionRow> known, std::string_view name_or_number) {
  const auto it = std::find_if(known.begin(), known.end(), [&](const AssertionRow& row) {
    return row.name() == name_or_number || std::to_string(row.number()) == name_or_number;
  });
  return it == known.end() ? nullptr : &*it;
}

std::string InWords(const AssertionRow& row) {
  return fmt::format("{} ({} said {})", row.name(), row.principal(),
                     row.sides_size() == 1 ? "that they are one person" : "that they are different people");
}

absl::Status CheckSides(const AssertionRow& row) {
  const bool same = row.sides_size() == 1;
  if (row.sides_size() == 0 || (same && row.sides(0).records_size() < 2))
    return errors::AssertionWrong("name at least two records, or two groups of them");
  std::set<std::string_view> seen;
  for (const auto& side : row.sides()) {
    if (side.records().empty()) return errors::AssertionWrong("a group has no record; leave it out");
    for (const auto& record : side.records()) {
      if (!ParseRecordName(record)) return errors::RecordNameWrong();
      if (!seen.insert(record).second)
        return errors::AssertionWrong(
            fmt::format("{} stands in two groups; nobody is somebody else than themselves", record));
    }
  }
  if (seen.size() <= kMostAssertedRecords) return absl::OkStatus();
  return errors::AssertionWrong(
      fmt::format("it has more than {} records; decide about fewer at a time", kMostAssertedRecords));
}

}  // namespace

absl::StatusOr<AssertionRow> NewAssertion(std::vector<Side> sides, std::string_view reason,
                                          std::string_view principal, std::string_view id, int64_t now) {
  AssertionRow row;
  row.set_name(fmt::format("assertions/{}", id));
  row.set_reason(std::string(reason));
  row.set_principal(std::string(principal));
  row.set_create_time_us(now);
  for (auto& side : sides) {
    std::sort(side.begin(), side.end());
    side.erase(std::unique(side.begin(), side.end()), side.end());
    auto& records = *row.add_sides()->mutable_records();
    for (auto& record : side) *records.Add() = std::move(record);
  }
  PHAROS_RETURN_IF_ERROR(CheckSides(row));
  return row;
}

absl::StatusOr<std::vector<Side>> SidesOfUnlink(const Side& person, const Side& leaving) {
  const std::set<std::string> gone(leaving.begin(), leaving.end());
  std::vector<Side> sides(2);
  for (const auto& record : person) sides[gone.contains(record) ? 0 : 1].push_back(record);
  for (const auto& record : gone) {
    if (std::find(person.begin(), person.end(), record) == person.end())
      return errors::RecordNotLinked(record);
  }
  if (sides[1].empty())
    return errors::AssertionWrong(
        "these are all of the person's records; leave out those that belong together");
  return sides;
}

AssertionRow Revoked(AssertionRow row, std::string_view reason, std::string_view principal, int64_t now) {
  if (!InForce(row)) return row;
  row.set_revoke_time_us(now);
  row.set_revoke_principal(std::string(principal));
  row.set_revoke_reason(std::string(reason));
  return row;
}

bool InForce(const AssertionRow& row) {
  return row.revoke_time_us() == 0;
}

bool SaysSame(const AssertionRow& row, std::span<const std::string> records) {
  return std::any_of(row.sides().begin(), row.sides().end(), [&](const AssertionSide& side) {
    return std::all_of(records.begin(), records.end(),
                       [&](const std::string& record) { return Holds(side, record); });
  });
}

bool SaysDifferent(const AssertionRow& row, std::string_view record_a, std::string_view record_b) {
  int side_a = -1, side_b = -1;
  for (int at = 0; at < row.sides_size(); ++at) {
    if (Holds(row.sides(at), record_a)) side_a = at;
    if (Holds(row.sides(at), record_b)) side_b = at;
  }
  return side_a >= 0 && side_b >= 0 && side_a != side_b;
}

absl::Status ConflictInWords(const absl::Status& refused, std::span<const AssertionRow> known) {
  if (base::ReasonOf(refused) != "ASSERTION_CONFLICT") return refused;
  const auto facts = base::FactsOf(refused);
  const auto with = facts->metadata.find("with");
  std::string names, words;
  size_t found = 0;
  for (const auto& each : base::Split(with == facts->metadata.end() ? "" : with->second, ',')) {
    const AssertionRow* row = Find(known, base::TrimAscii(each));
    if (row == nullptr) continue;
    if (!names.empty()) names += ',';
    names += row->name();
    if (++found > kMostNamed) continue;
    if (!words.empty()) words += " and ";
    words += InWords(*row);
  }
  return found == 0 ? refused : errors::AssertionConflict(words, names);
}

v1::Assertion ShowAssertion(const AssertionRow& row) {
  v1::Assertion shown;
  shown.set_name(row.name());
  for (const auto& side : row.sides()) *shown.add_groups()->mutable_members() = side.records();
  shown.set_reason(row.reason());
  shown.set_principal(row.principal());
  shown.set_create_time_us(row.create_time_us());
  shown.set_revoke_time_us(row.revoke_time_us());
  return shown;
}

}  // namespace pharos::customer
