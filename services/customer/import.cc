#include "services/customer/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/text.h"
#include "services/customer/agreement.h"
#include "services/customer/clean.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"

namespace pharos::customer {

namespace {

// Columns that are about the record or its consent, or state a fact: kept as they came, but no field of the
// person.
bool IsAboutTheRecord(std::string_view column) {
  return column == "record_id" || column == "updated_at" || column == "consent_sms" ||
         column == "consent_email" || column == "consent_at" || column == "deceased" || column == "paused" ||
         column == "sensitive";
}

// Everything but this one has the same name as a field.
std::string_view FieldOf(std::string_view column) {
  return column == "organisation_id" ? "organisation" : column;
}

std::string_view Advice(std::string_view reason) {
  if (reason == "ROW_TRUNCATED") return "the file ends in the middle of this row; send the whole file again";
  if (reason == "QUOTE_WRONG")
    return "a quotation mark opens a field and is not closed; double quotation marks inside a field";
  if (reason == "NUL_BYTE") return "the row holds a NUL byte; save the file as plain UTF-8 text";
  if (reason == "NOT_UTF8") return "the row is not UTF-8; save the file as UTF-8";
  if (reason == "ROW_TOO_LONG")
    return "the row is longer than 64 KiB; check for a missing line end or quotation mark";
  if (reason == "ROW_TOO_MANY_FIELDS")
    return "the row has more fields than the header; quote fields that hold commas";
  if (reason == "ROW_TOO_FEW_FIELDS")
    return "the row has fewer fields than the header; keep empty fields' commas";
  if (reason == "RECORD_ID_MISSING") return "every row needs the id by which the source knows this record";
  if (reason == "RECORD_ID_WRONG")
    return "a record id is 1 to 128 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-'";
  if (reason == "DATE_WRONG") return "write times as 2026-11-01T09:30:00Z";
  if (reason == "CONSENT_WRONG") return "write granted or withdrawn, or leave it empty";
  if (reason == "FACT_WRONG") return "write yes or no, or leave it empty";
  if (reason == "CONSENT_PURPOSE_MISSING")
    return "the row states a consent; name the purpose of the import's consent columns";
  if (reason == "FIELD_TOO_LONG") return "a field has at most 4096 bytes";
  return "correct the row and send the file again";
}

RowReading Refuse(const CsvRow& row, std::string_view reason, std::string_view column = {},
                  std::string_view record_id = {}) {
  RowReading reading;
  reading.error.set_line(row.line);
  reading.error.set_reason(std::string(reason));
  reading.error.set_column(std::string(column));
  reading.error.set_message(std::string(Advice(reason)));
  if (IsRecordId(record_id)) reading.error.set_record_id(std::string(record_id));
  return reading;
}

// "" if the row has the header's shape.
std::string_view ShapeProblem(const ImportColumns& columns, const CsvRow& row) {
  if (!row.wrong.empty()) return row.wrong;
  if (row.fields.size() < columns.file_columns())
    return row.unterminated ? "ROW_TRUNCATED" : "ROW_TOO_FEW_FIELDS";
  return row.fields.size() > columns.file_columns() ? "ROW_TOO_MANY_FIELDS" : "";
}

// The record id of a row of another shape, where it stands first.
std::string_view IdOfMisshapen(const ImportColumns& columns, const CsvRow& row) {
  return columns.id_column() == 0 && !row.fields.empty() ? std::string_view(row.fields[0])
                                                         : std::string_view();
}

class RowReader {
 public:
  RowReader(const ImportColumns& columns, const CsvRow& row, std::string_view source_id, bool has_purpose)
      : columns_(columns), row_(row), source_id_(source_id), has_purpose_(has_purpose) {}

  RowReading Read() {
    if (const auto problem = ShapeProblem(columns_, row_); !problem.empty())
      return Refuse(row_, problem, {}, IdOfMisshapen(columns_, row_));
    cells_ = columns_.Make(row_);
    record_id_ = base::TrimAscii(Cell("record_id"));
    if (record_id_.empty()) return Refuse(row_, "RECORD_ID_MISSING", "record_id");
    if (!IsRecordId(record_id_)) return Refuse(row_, "RECORD_ID_WRONG", "record_id");
    made_.line = row_.line;
    made_.record.set_name(RecordName(source_id_, record_id_));
    for (size_t at = 0; at < columns_.size(); ++at) {
      if (cells_[at].size() > kLongestField) return Wrong("FIELD_TOO_LONG", columns_.names()[at]);
      AddCell(columns_.names()[at], cells_[at]);
    }
    return Rest();
  }

 private:
  RowReading Rest() {
    for (const auto& fact : KnownFacts()) {
      if (!Fact(fact)) return Wrong("FACT_WRONG", fact);
    }
    int64_t updated = 0;
    if (!Time("updated_at", updated)) return Wrong("DATE_WRONG", "updated_at");
    made_.record.set_update_time_us(updated);
    if (!Time("consent_at", consent_at_)) return Wrong("DATE_WRONG", "consent_at");
    for (const auto& [column, channel] : {std::pair{"consent_sms", type::v1::CHANNEL_SMS},
                                          std::pair{"consent_email", type::v1::CHANNEL_EMAIL}}) {
      if (const auto problem = AddConsent(column, channel); !problem.empty()) return Wrong(problem, column);
    }
    RowReading reading;
    reading.row = std::move(made_);
    return reading;
  }

  RowReading Wrong(std::string_view reason, std::string_view column) const {
    return Refuse(row_, reason, column, record_id_);
  }

  std::string_view Cell(std::string_view column) const {
    const auto it = std::find(columns_.names().begin(), columns_.names().end(), column);
    return it == columns_.names().end() ? std::string_view() : cells_[it - columns_.names().begin()];
  }

  void AddCell(const std::string& column, const std::string& cell) {
    if (column == "record_id" || base::TrimAscii(cell).empty()) return;
    const std::string field(FieldOf(column));
    if (IsAboutTheRecord(column)) {
      (*made_.record.mutable_fields())[field] = cell;
    } else if (!ReadField(made_.record, field, cell)) {
      ++made_.warnings;
    }
  }

  // A fact is only ever stated: "no" takes nothing back.
  bool Fact(const std::string& column) {
    const std::string said = base::LowerAscii(base::TrimAscii(Cell(column)));
    if (said.empty() || said == "no" || said == "n" || said == "false" || said == "0") return true;
    if (said != "yes" && said != "y" && said != "true" && said != "1") return false;
    return ReadFact(made_.record, column);
  }

  bool Time(std::string_view column, int64_t& time) const {
    const auto cell = base::TrimAscii(Cell(column));
    time = cell.empty() ? 0 : ReadTime(cell);
    return time >= 0;
  }

  // A grant without an address that can be used grants nothing; a withdrawal without one covers every
  // address.
  std::string_view AddConsent(std::string_view column, type::v1::Channel channel) {
    const std::string said = base::LowerAscii(base::TrimAscii(Cell(column)));
    if (said.empty()) return {};
    if (said != "granted" && said != "withdrawn") return "CONSENT_WRONG";
    if (!has_purpose_) return "CONSENT_PURPOSE_MISSING";
    const auto kind = said == "granted" ? type::v1::GRANTED : type::v1::WITHDRAWN;
    auto consent = ReadConsent(made_.record, kind, channel, consent_at_);
    if (!consent) {
      ++made_.warnings;
      return {};
    }
    made_.consents.push_back(*std::move(consent));
    return {};
  }

  const ImportColumns& columns_;
  const CsvRow& row_;
  const std::string_view source_id_;
  const bool has_purpose_;
  std::vector<std::string> cells_;
  std::string_view record_id_;
  int64_t consent_at_ = 0;
  ImportRow made_;
};

}  // namespace

const std::vector<std::string>& ImportColumns::Known() {
  static const auto* const known = new std::vector<std::string>{
      "record_id", "updated_at", "given_name",  "middle_name",   "family_name", "date_of_birth",
      "sex",       "email",      "phone",       "house",         "street",      "town",
      "postcode",  "area",       "nhs_number",  "national_id",   "language",    "organisation_id",
      "role",      "interests",  "consent_sms", "consent_email", "consent_at",  "deceased",
      "paused",    "sensitive"};
  return *known;
}

absl::StatusOr<ImportColumns> ImportColumns::FromHeader(const CsvRow& header,
                                                        const v1::ImportMapping& mapping,
                                                        const record::v1::AgreementRow* agreement) {
  if (!header.wrong.empty()) return errors::ImportHeaderWrong({std::string(Advice(header.wrong))});
  ImportColumns columns;
  std::vector<std::string> problems;
  columns.file_columns_ = header.fields.size();
  columns.mapped_ = MapColumns(header.fields, mapping, Known(), problems);
  const auto& names = columns.names();
  if (std::find(names.begin(), names.end(), "record_id") == names.end())
    problems.push_back("\"record_id\" is missing");
  if (columns.size() < 2) problems.push_back("at least one column besides record_id is needed");
  if (!problems.empty()) return errors::ImportHeaderWrong(problems);
  if (!header.fields.empty() && base::LowerAscii(base::TrimAscii(header.fields[0])) == "record_id" &&
      !mapping.columns().contains("record_id")) {
    columns.id_column_ = 0;
  }
  std::vector<std::string> others;
  for (const auto& name : names) {
    if (agreement == nullptr || IsAboutTheRecord(name)) continue;
    if (!Lists(agreement->write_fields(), FieldOf(name))) others.push_back(name);
  }
  if (!others.empty()) return errors::ColumnsNotAgreed(others);
  return columns;
}

std::vector<std::string> ImportColumns::Make(const CsvRow& row) const {
  std::vector<std::string> cells;
  cells.reserve(mapped_.makers.size());
  for (const auto& maker : mapped_.makers) cells.push_back(maker.Make(row.fields));
  return cells;
}

RowReading ReadRow(const ImportColumns& columns, const CsvRow& row, std::string_view source_id,
                   bool has_purpose) {
  return RowReader(columns, row, source_id, has_purpose).Read();
}

}  // namespace pharos::customer
