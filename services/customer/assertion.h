// People's decisions about who is who, as records: what a decision may be, what it says of two records, and
// why two decisions cannot stand together. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pharos/customer/v1/identity_service.pb.h"
#include "pharos/record/v1/identity.pb.h"

namespace pharos::customer {

// Records on one side ("sources/…/records/…"), any order, perhaps some of them twice.
using Side = std::vector<std::string>;

inline constexpr size_t kMostAssertedRecords =
    10'000;  // of one decision: it is one row, and one index entry each

// A decision as it is to be stored; each side sorted, each record once. INVALID_ARGUMENT: RECORD_NAME_WRONG,
// ASSERTION_WRONG (one side of fewer than two records; an empty side; a record on two sides; too many).
absl::StatusOr<record::v1::AssertionRow> NewAssertion(std::vector<Side> sides, std::string_view reason,
                                                      std::string_view principal, std::string_view id,
                                                      int64_t now);
// Those of a person's records that are somebody else, and the rest. INVALID_ARGUMENT: RECORD_NOT_LINKED (one
// is not the person's), ASSERTION_WRONG (nothing would be left).
absl::StatusOr<std::vector<Side>> SidesOfUnlink(const Side& person, const Side& leaving);
// The decision taken back; one that is taken back already stays as it is.
record::v1::AssertionRow Revoked(record::v1::AssertionRow row, std::string_view reason,
                                 std::string_view principal, int64_t now);

bool InForce(const record::v1::AssertionRow& row);
// One of its sides holds all of these.
bool SaysSame(const record::v1::AssertionRow& row, std::span<const std::string> records);
// They stand on different sides.
bool SaysDifferent(const record::v1::AssertionRow& row, std::string_view record_a, std::string_view record_b);

// ASSERTION_CONFLICT in words for who decides: `refused` as the index made it, which names decisions by
// number or name in its metadata "with"; `known` are those about the records concerned. Other statuses as
// they are.
absl::Status ConflictInWords(const absl::Status& refused, std::span<const record::v1::AssertionRow> known);

// `people` is left empty: it depends on how things stand.
v1::Assertion ShowAssertion(const record::v1::AssertionRow& row);

}  // namespace pharos::customer
