#include "services/edge/console/partner_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "services/base/text.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";

std::string Plain(std::string_view column) {
  std::string plain;
  for (const char c : column) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

const std::map<std::string, std::string, std::less<>>& Synonyms() {
  static const auto* words = [] {
    auto* all = new std::map<std::string, std::string, std::less<>>{{"id", "record_id"},
                                                                    {"clientno", "record_id"},
                                                                    {"clientid", "record_id"},
                                                                    {"patientid", "record_id"},
                                                                    {"recordno", "record_id"},
                                                                    {"reference", "record_id"},
                                                                    {"firstname", "given_name"},
                                                                    {"forename", "given_name"},
                                                                    {"lastname", "family_name"},
                                                                    {"surname", "family_name"},
                                                                    {"dob", "date_of_birth"},
                                                                    {"birthdate", "date_of_birth"},
                                                                    {"born", "date_of_birth"},
                                                                    {"gender", "sex"},
                                                                    {"emailaddress", "email"},
                                                                    {"mail", "email"},
                                                                    {"mobile", "phone"},
                                                                    {"mobilenumber", "phone"},
                                                                    {"phonenumber", "phone"},
                                                                    {"telephone", "phone"},
                                                                    {"tel", "phone"},
                                                                    {"housenumber", "house"},
                                                                    {"address1", "house"},
                                                                    {"address2", "street"},
                                                                    {"city", "town"},
                                                                    {"posttown", "town"},
                                                                    {"postalcode", "postcode"},
                                                                    {"nhsno", "nhs_number"},
                                                                    {"nhs", "nhs_number"},
                                                                    {"organisation", "organisation_id"},
                                                                    {"jobtitle", "role"},
                                                                    {"lastupdated", "updated_at"},
                                                                    {"modified", "updated_at"},
                                                                    {"smsconsent", "consent_sms"},
                                                                    {"textconsent", "consent_sms"},
                                                                    {"textok", "consent_sms"},
                                                                    {"emailconsent", "consent_email"},
                                                                    {"emailok", "consent_email"},
                                                                    {"consentdate", "consent_at"}};
    for (const ContactColumn& column : ContactColumns()) all->emplace(Plain(column.name), column.name);
    return all;
  }();
  return *words;
}

std::string Quoted(std::string_view cell) {
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

std::string Said(const std::map<std::string, std::string>& said, const std::string& field) {
  const auto at = said.find(field);
  return at == said.end() ? "" : at->second;
}

void AddYesAndNo(v1::ImportMapping::Column& column) {
  for (const char* yes : {"yes", "Yes", "YES", "y", "Y", "true", "TRUE", "1"})
    (*column.mutable_values())[yes] = "granted";
  for (const char* no : {"no", "No", "NO", "n", "N", "false", "FALSE", "0"})
    (*column.mutable_values())[no] = "withdrawn";
}

}  // namespace

const std::vector<ContactColumn>& ContactColumns() {
  static const auto* columns = new std::vector<ContactColumn>{{"record_id", "Id of the record at the source"},
                                                              {"updated_at", "When the source changed it"},
                                                              {"given_name", "First name"},
                                                              {"middle_name", "Middle name"},
                                                              {"family_name", "Last name"},
                                                              {"date_of_birth", "Date of birth"},
                                                              {"sex", "Sex"},
                                                              {"email", "Email address"},
                                                              {"phone", "Phone number"},
                                                              {"house", "House"},
                                                              {"street", "Street"},
                                                              {"town", "Town"},
                                                              {"postcode", "Postcode"},
                                                              {"area", "Area code"},
                                                              {"nhs_number", "NHS number"},
                                                              {"national_id", "National id"},
                                                              {"language", "Language"},
                                                              {"organisation_id", "Organisation"},
                                                              {"role", "Role at the organisation"},
                                                              {"interests", "Interests"},
                                                              {"consent_sms", "Consent to text messages"},
                                                              {"consent_email", "Consent to emails"},
                                                              {"consent_at", "When they consented"},
                                                              {"deceased", "Has died"},
                                                              {"paused", "Not to be disturbed"},
                                                              {"sensitive", "Restricted"}};
  return *columns;
}

char SeparatorOf(std::string_view file) {
  const std::string_view first = file.substr(0, file.find('\n'));
  char best = ',';
  for (const char each : {';', '\t', '|'})
    if (std::count(first.begin(), first.end(), each) > std::count(first.begin(), first.end(), best))
      best = each;
  return best;
}

std::vector<std::string> NextRow(std::string_view file, char separator, size_t& at, int64_t* line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  while (at < file.size()) {
    const char c = file[at++];
    if (c == '\n' && line != nullptr) ++*line;
    if (quoted && c == '"' && at < file.size() && file[at] == '"') {
      cells.back() += file[at++];
    } else if (c == '"' && (quoted || cells.back().empty())) {
      quoted = !quoted;
    } else if (!quoted && c == separator) {
      cells.emplace_back();
    } else if (!quoted && c == '\n') {
      break;
    } else {
      cells.back() += c;
    }
  }
  if (!cells.back().empty() && cells.back().back() == '\r') cells.back().pop_back();
  return cells;
}

std::vector<std::string> ColumnsOf(std::string_view file, char separator) {
  size_t at = file.starts_with(kMark) ? kMark.size() : 0;
  std::vector<std::string> columns = NextRow(file, separator, at);
  for (std::string& column : columns) column = std::string(base::TrimAscii(column));
  return columns;
}

std::string GuessColumn(std::string_view column) {
  const auto at = Synonyms().find(Plain(column));
  return at == Synonyms().end() ? "" : at->second;
}

v1::ImportMapping MappingOf(const std::vector<std::string>& columns, char separator,
                            const std::map<std::string, std::string>& said) {
  v1::ImportMapping mapping;
  if (separator != ',') mapping.set_separator(std::string(1, separator));
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string ours = Said(said, fmt::format("column-{}", i));
    if (ours.empty()) {
      if (!columns[i].starts_with("rejected_")) mapping.add_ignore(columns[i]);
    } else {
      (*mapping.mutable_columns())[ours].add_from(columns[i]);
    }
  }
  for (auto& [ours, column] : *mapping.mutable_columns()) {
    if (ours == "date_of_birth") column.set_date(Said(said, "date_layout"));
    if (Said(said, "consent_words") == "yes" && (ours == "consent_sms" || ours == "consent_email"))
      AddYesAndNo(column);
  }
  return mapping;
}

std::string MappingProblem(const v1::ImportMapping& mapping) {
  if (!mapping.columns().contains("record_id"))
    return "Say which column is the id of the record at the source. Without it nobody can tell later which "
           "row is whose.";
  if (mapping.columns_size() < 2) return "Say what at least one more column is.";
  return "";
}

std::string Sentence(std::string_view words) {
  std::string sentence(words);
  if (sentence.empty()) return sentence;
  sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
  if (sentence.back() != '.') sentence += '.';
  return sentence;
}

std::string RefusedRows(std::string_view file, char separator, const std::vector<v1::RowError>& errors) {
  std::map<int64_t, const v1::RowError*> by_line;
  for (const v1::RowError& error : errors) by_line.emplace(error.line(), &error);
  size_t at = file.starts_with(kMark) ? kMark.size() : 0, start = at;
  int64_t line = 1;
  NextRow(file, separator, at, &line);
  std::string out = fmt::format("rejected_line{0}rejected_column{0}rejected_reason{0}rejected_message{0}{1}",
                                separator, file.substr(start, at - start));
  if (out.back() != '\n') out += '\n';
  while (at < file.size()) {
    const int64_t begins = line;
    start = at;
    NextRow(file, separator, at, &line);
    const auto error = by_line.find(begins);
    if (error == by_line.end()) continue;
    out += fmt::format("{1}{0}{2}{0}{3}{0}{4}{0}{5}", separator, begins, Quoted(error->second->column()),
                       error->second->reason(), Quoted(error->second->message()),
                       file.substr(start, at - start));
    if (out.back() != '\n') out += '\n';
  }
  return out;
}

}  // namespace pharos::edge::console
