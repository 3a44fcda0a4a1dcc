#include "services/customer/correction.h"

#include <algorithm>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/customer/errors.h"
#include "services/customer/golden.h"
#include "services/customer/record_reading.h"
#include "services/customer/sealed_rows.h"

namespace pharos::customer {

using record::v1::PersonRow;
using record::v1::RecordRow;

namespace {

bool IsBlank(std::string_view typed) {
  return base::TrimAscii(typed).empty();
}

// Some line of the address is typed / all of it is taken back.
struct AddressPart {
  bool touched = false;
  bool taken_back = false;
};
AddressPart AddressIn(const TypedFields& typed) {
  AddressPart part;
  for (const auto& [field, value] : typed) {
    if (!IsAddressLine(field)) continue;
    part.touched = true;
    part.taken_back = part.taken_back || IsBlank(value);
  }
  return part;
}

void Remove(RecordRow& row, const std::string& field) {
  row.mutable_fields()->erase(field);
  row.mutable_clean()->erase(field);
}

void RemoveAddress(RecordRow& row) {
  std::vector<std::string> lines;
  for (const auto& [field, value] : row.fields()) {
    if (IsAddressLine(field)) lines.push_back(field);
  }
  for (const auto& line : lines) Remove(row, line);
}

// What the correction says, itself or by taking it back, is not to stand in `row` any more.
void TakeOut(RecordRow& row, const TypedFields& typed, const AddressPart& address) {
  for (const auto& [field, value] : typed) Remove(row, field);
  if (address.touched) RemoveAddress(row);
}

void FillIn(RecordRow& row, const RecordRow& before, const PersonRow& golden, const TypedFields& typed,
            const AddressPart& address) {
  if (address.touched && !address.taken_back) {
    for (const auto& field : golden.fields()) {
      if (IsAddressLine(field.field())) ReadField(row, field.field(), field.value());
    }
    for (const auto& [field, value] : before.fields()) {
      if (IsAddressLine(field)) ReadField(row, field, value);
    }
  }
  for (const auto& [field, value] : typed) {
    if (IsAddressLine(field) && address.taken_back) continue;
    Remove(row, field);
    ReadField(row, field, value);
  }
}

bool SameFields(const RecordRow& a, const RecordRow& b) {
  if (a.fields_size() != b.fields_size()) return false;
  return std::all_of(a.fields().begin(), a.fields().end(), [&](const auto& field) {
    const auto it = b.fields().find(field.first);
    return it != b.fields().end() && it->second == field.second;
  });
}

// Name and content only: what is derived stays with the store.
RecordRow ContentOf(const RecordRow& row) {
  RecordRow content;
  content.set_name(row.name());
  *content.mutable_fields() = row.fields();
  *content.mutable_clean() = row.clean();
  return content;
}

}  // namespace

bool IsStewardsRecord(std::string_view record) {
  return record.starts_with(kStewardsSource) &&
         record.substr(kStewardsSource.size()).starts_with("/records/");
}

record::v1::SourceRow StewardsSource(int64_t now) {
  record::v1::SourceRow row;
  row.set_name(std::string(kStewardsSource));
  row.set_display_name("Stewards' corrections");
  row.set_trust(100);
  row.set_create_time_us(now);
  return row;
}

absl::Status CheckCorrection(const TypedFields& typed) {
  if (typed.empty()) return errors::FieldMissing("fields", "the field to correct and its value");
  for (const auto& [field, value] : typed) {
    if (field == "interests") return errors::FieldNotCorrectable(field);
    if (!IsGoldenField(field)) return errors::FieldUnknown("fields", base::Nearest(field, KnownFields()));
    RecordRow read;
    if (value.size() > kLongestField || !ReadField(read, field, value)) return errors::ValueUnreadable(field);
  }
  return absl::OkStatus();
}

std::vector<CorrectedRecord> Corrected(std::span<const RecordRow> stewards, const PersonRow& golden,
                                       const TypedFields& typed, std::string_view fresh, int64_t now) {
  const AddressPart address = AddressIn(typed);
  const RecordRow* target = nullptr;
  int64_t time = now;
  for (const auto& row : stewards) {
    time = std::max(time, row.update_time_us() + 1);
    const bool newer = target == nullptr || row.update_time_us() > target->update_time_us() ||
                       (row.update_time_us() == target->update_time_us() && row.name() < target->name());
    if (newer) target = &row;
  }
  RecordRow none;
  none.set_name(std::string(fresh));
  if (target == nullptr) target = &none;
  std::vector<CorrectedRecord> changed;
  const auto add = [&](const RecordRow& before, RecordRow row) {
    if (SameFields(before, row)) return;
    row.set_update_time_us(time);
    const bool empty = row.fields().empty();
    changed.push_back({std::move(row), empty});
  };
  RecordRow corrected = ContentOf(*target);
  TakeOut(corrected, typed, address);
  FillIn(corrected, *target, golden, typed, address);
  add(*target, std::move(corrected));
  for (const auto& other : stewards) {
    if (&other == target) continue;
    RecordRow row = ContentOf(other);
    TakeOut(row, typed, address);
    add(other, std::move(row));
  }
  return changed;
}

std::string AnchorOf(std::span<const RecordRow> records) {
  const RecordRow* eldest = nullptr;
  for (const auto& row : records) {
    if (SealedRows::IsGone(row) || IsStewardsRecord(row.name())) continue;
    const bool elder = eldest == nullptr || row.create_time_us() < eldest->create_time_us() ||
                       (row.create_time_us() == eldest->create_time_us() && row.name() < eldest->name());
    if (elder) eldest = &row;
  }
  return eldest == nullptr ? std::string() : eldest->name();
}

}  // namespace pharos::customer
