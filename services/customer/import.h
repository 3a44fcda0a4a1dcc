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
#include "pharos/record/v1/sync.pb.h"
#include "services/customer/csv.h"
#include "services/customer/mapping.h"
#include "services/customer/record_reading.h"

namespace pharos::customer {

// Our columns as a file gives them.
class ImportColumns {
 public:
  // INVALID_ARGUMENT IMPORT_HEADER_WRONG: unknown, repeated or missing columns, by name, with the nearest
  // known ones; also what is wrong with the mapping. PERMISSION_DENIED FIELD_NOT_AGREED: columns that
  // `agreement` (nullptr: any) does not let them bring.
  static absl::StatusOr<ImportColumns> FromHeader(const CsvRow& header, const v1::ImportMapping& mapping = {},
                                                  const record::v1::AgreementRow* agreement = nullptr);

  size_t size() const { return mapped_.names.size(); }
  const std::vector<std::string>& names() const { return mapped_.names; }
  // How many the file has.
  size_t file_columns() const { return file_columns_; }
  // The place of the record id in the file where it is a column as it is; -1 elsewhere.
  int id_column() const { return id_column_; }
  // Our cells, in the order of names().
  std::vector<std::string> Make(const CsvRow& row) const;

  // Every column there may be.
  static const std::vector<std::string>& Known();

 private:
  MappedColumns mapped_;
  size_t file_columns_ = 0;
  int id_column_ = -1;
};

// A row that can be stored.
struct ImportRow {
  record::v1::RecordRow record;  // name, update_time_us, fields, clean, facts
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
