#include "services/customer/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/base/text.h"
#include "services/customer/clean.h"
#include "services/customer/errors.h"
#include "services/customer/keys.h"

namespace pharos::customer {

namespace {

constexpr size_t kMostHeaderProblems = 8;  // named in one message
constexpr size_t kLongestCell = 4096;

// Columns that are about the record, not about the person.
bool IsAboutTheRecord(std::string_view column) {
  return column == "record_id" || column == "updated_at" || column == "consent_sms" ||
         column == "consent_email" || column == "consent_at";
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
  if (row.fields.size() < columns.size()) return row.unterminated ? "ROW_TRUNCATED" : "ROW_TOO_FEW_FIELDS";
  return row.fields.size() > columns.size() ? "ROW_TOO_MANY_FIELDS" : "";
}

class RowReader {
 public:
  RowReader(const ImportColumns& columns, const CsvRow& row, std::string_view source_id, bool has_purpose)
      : columns_(columns), row_(row), source_id_(source_id), has_purpose_(has_purpose) {}

  RowReading Read() {
    if (const auto problem = ShapeProblem(columns_, row_); !problem.empty()) {
      const bool has_id = !row_.fields.empty() && columns_.names()[0] == "record_id";
      return Refuse(row_, problem, {}, has_id ? std::string_view(row_.fields[0]) : std::string_view());
    }
    record_id_ = base::TrimAscii(Cell("record_id"));
    if (record_id_.empty()) return Refuse(row_, "RECORD_ID_MISSING", "record_id");
    if (!IsRecordId(record_id_)) return Refuse(row_, "RECORD_ID_WRONG", "record_id");
    made_.line = row_.line;
    made_.record.set_name(RecordName(source_id_, record_id_));
    for (size_t at = 0; at < columns_.size(); ++at) {
      if (row_.fields[at].size() > kLongestCell) return Wrong("FIELD_TOO_LONG", columns_.names()[at]);
      AddCell(columns_.names()[at], row_.fields[at]);
    }
    int64_t updated = 0;
    if (!Time("updated_at", updated)) return Wrong("DATE_WRONG", "updated_at");
    made_.record.set_update_time_us(updated);
    if (!Time("consent_at", consent_at_)) return Wrong("DATE_WRONG", "consent_at");
    for (const auto& [column, channel, field] :
         {std::tuple{"consent_sms", type::v1::CHANNEL_SMS, "phone"},
          std::tuple{"consent_email", type::v1::CHANNEL_EMAIL, "email"}}) {
      if (const auto problem = AddConsent(column, channel, field); !problem.empty())
        return Wrong(problem, column);
    }
    RowReading reading;
    reading.row = std::move(made_);
    return reading;
  }

 private:
  RowReading Wrong(std::string_view reason, std::string_view column) const {
    return Refuse(row_, reason, column, record_id_);
  }

  std::string_view Cell(std::string_view column) const {
    const auto it = std::find(columns_.names().begin(), columns_.names().end(), column);
    return it == columns_.names().end() ? std::string_view() : row_.fields[it - columns_.names().begin()];
  }

  void AddCell(const std::string& column, const std::string& cell) {
    if (column == "record_id" || base::TrimAscii(cell).empty()) return;
    const std::string field(FieldOf(column));
    (*made_.record.mutable_fields())[field] = cell;
    if (IsAboutTheRecord(column)) return;
    std::string clean = CleanField(field, cell);
    if (clean.empty()) {
      ++made_.warnings;
    } else {
      (*made_.record.mutable_clean())[field] = std::move(clean);
    }
  }

  bool Time(std::string_view column, int64_t& time) const {
    const auto cell = base::TrimAscii(Cell(column));
    time = cell.empty() ? 0 : ReadTime(cell);
    return time >= 0;
  }

  // A grant without an address that can be used grants nothing; a withdrawal without one covers every
  // address.
  std::string_view AddConsent(std::string_view column, type::v1::Channel channel, const char* field) {
    const std::string said = base::LowerAscii(base::TrimAscii(Cell(column)));
    if (said.empty()) return {};
    if (said != "granted" && said != "withdrawn") return "CONSENT_WRONG";
    if (!has_purpose_) return "CONSENT_PURPOSE_MISSING";
    const auto it = made_.record.clean().find(field);
    std::string address = it == made_.record.clean().end() ? std::string() : it->second;
    if (channel == type::v1::CHANNEL_SMS && !IsMobile(address)) address.clear();
    const bool granted = said == "granted";
    if (granted && address.empty()) {
      ++made_.warnings;
      return {};
    }
    made_.consents.push_back(
        {granted ? type::v1::GRANTED : type::v1::WITHDRAWN, channel, std::move(address), consent_at_});
    return {};
  }

  const ImportColumns& columns_;
  const CsvRow& row_;
  const std::string_view source_id_;
  const bool has_purpose_;
  std::string_view record_id_;
  int64_t consent_at_ = 0;
  ImportRow made_;
};

}  // namespace

const std::vector<std::string>& ImportColumns::Known() {
  static const auto* const known = new std::vector<std::string>{
      "record_id",       "updated_at", "given_name", "family_name", "date_of_birth", "sex",
      "email",           "phone",      "postcode",   "area",        "nhs_number",    "language",
      "organisation_id", "role",       "interests",  "consent_sms", "consent_email", "consent_at"};
  return *known;
}

absl::StatusOr<ImportColumns> ImportColumns::FromHeader(const CsvRow& header) {
  if (!header.wrong.empty()) return errors::ImportHeaderWrong({std::string(Advice(header.wrong))});
  ImportColumns columns;
  std::vector<std::string> problems;
  for (const auto& cell : header.fields) {
    const std::string name = base::LowerAscii(base::TrimAscii(cell));
    const bool known = std::find(Known().begin(), Known().end(), name) != Known().end();
    if (!known && problems.size() < kMostHeaderProblems) {
      // A file without a header has contact data here: only what looks like a column name is repeated.
      const std::string nearest = base::Nearest(name, Known());
      problems.push_back(nearest.empty() ? fmt::format("column {} is unknown", columns.size() + 1)
                                         : fmt::format("column {} is unknown, did you mean \"{}\"?",
                                                       columns.size() + 1, nearest));
    }
    if (known && std::find(columns.names_.begin(), columns.names_.end(), name) != columns.names_.end()) {
      problems.push_back(fmt::format("\"{}\" is there twice", name));
    }
    columns.names_.push_back(name);
  }
  const auto has = [&](const char* name) {
    return std::find(columns.names_.begin(), columns.names_.end(), name) != columns.names_.end();
  };
  if (!has("record_id")) problems.push_back("\"record_id\" is missing");
  if (columns.size() < 2) problems.push_back("at least one column besides record_id is needed");
  if (!problems.empty()) return errors::ImportHeaderWrong(problems);
  return columns;
}

RowReading ReadRow(const ImportColumns& columns, const CsvRow& row, std::string_view source_id,
                   bool has_purpose) {
  return RowReader(columns, row, source_id, has_purpose).Read();
}

}  // namespace pharos::customer
