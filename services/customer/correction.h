// A steward's correction of a person: a record of our own source `stewards` that says only what is corrected.
// Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/map.h"
#include "pharos/record/v1/customer.pb.h"

namespace pharos::customer {

inline constexpr std::string_view kStewardsSource = "sources/stewards";
bool IsStewardsRecord(std::string_view record);
// The source as it is registered when the first correction is made.
record::v1::SourceRow StewardsSource(int64_t now);

using TypedFields = google::protobuf::Map<std::string, std::string>;
// FIELD_UNKNOWN, FIELD_NOT_CORRECTABLE, VALUE_UNREADABLE.
absl::Status CheckCorrection(const TypedFields& typed);

struct CorrectedRecord {
  record::v1::RecordRow row;  // as it is to be: name, update_time_us, fields, clean
  bool empty = false;         // nothing is corrected any more: the record goes
};
// What becomes of the stewards' records of a person, opened, of which the newest takes the correction and the
// others only lose what it says otherwise. Without any, a new one of the name `fresh`. The lines of a postal
// address are corrected together: those not typed are filled in from the golden record's address, and an
// empty one takes all of them back. `golden` is opened. Times are after those of all records there are. Only
// what changes is returned, the one that takes the correction first.
std::vector<CorrectedRecord> Corrected(std::span<const record::v1::RecordRow> stewards,
                                       const record::v1::PersonRow& golden, const TypedFields& typed,
                                       std::string_view fresh, int64_t now);

// Whom the new record is asserted to be: one record, the eldest that is there. Not all of them: a correction
// of a spelling must not decide for ever that all of these are one person.
// "" if none is there (all deleted or erased).
std::string AnchorOf(std::span<const record::v1::RecordRow> records);

}  // namespace pharos::customer
