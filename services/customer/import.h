// Rows of a contact file as source records: which column means what, and what is wrong with a row. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pharos/customer/v1/import_service.pb.h"
#include "pharos/record/v1/customer.pb.h"
#include "services/customer/csv.h"

namespace pharos::customer {

// The file's columns in order.
class ImportColumns {
 public:
  // INVALID_ARGUMENT IMPORT_HEADER_WRONG: unknown, repeated or missing columns, by name, with the nearest
  // known ones.
  static absl::StatusOr<ImportColumns> FromHeader(const CsvRow& header);

  size_t size() const { return names_.size(); }
  const std::vector<std::string>& names() const { return names_; }

  // Every column there may be.
  static const std::vector<std::string>& Known();

 private:
  std::vector<std::string> names_;
};

// What the source says about consent in one row.
struct RowConsent {
  type::v1::EntryKind kind = type::v1::ENTRY_KIND_UNSPECIFIED;
  type::v1::Channel channel = type::v1::CHANNEL_UNSPECIFIED;
  std::string
      address;  // cleaned; empty: none that can be read (only ever for a withdrawal, which then covers all)
  int64_t event_time_us = 0;
};

// A row that can be stored.
struct ImportRow {
  record::v1::RecordRow record;  // name, update_time_us, fields, clean
  std::vector<RowConsent> consents;
  int warnings = 0;  // cells kept as received that could not be read
  int64_t line = 0;
};

// Either a row or an error.
struct RowReading {
  std::optional<ImportRow> row;
  v1::RowError error;
};
// `has_purpose`: the import named the purpose that consent columns speak of.
RowReading ReadRow(const ImportColumns& columns, const CsvRow& row, std::string_view source_id,
                   bool has_purpose);

}  // namespace pharos::customer
