// Bringing in a contact file: choose it, say what its columns are, look at what would happen, then do it.
#include <fmt/format.h>

#include <optional>

#include "pharos/customer/v1/agreement_service.pb.h"
#include "pharos/customer/v1/purpose_service.pb.h"
#include "pharos/customer/v1/source_service.pb.h"
#include "services/base/errors.h"
#include "services/base/ids.h"
#include "services/edge/console/blocks.h"
#include "services/edge/console/partner_file.h"
#include "services/edge/console/partner_pages.h"
#include "services/edge/console/people_words.h"

namespace pharos::edge::console {

namespace v1 = customer::v1;

namespace {

constexpr char kMethod[] = "/pharos.customer.v1.ImportService/ImportContacts";
constexpr size_t kChunkBytes = 256 << 10;  // well below the service's limit of 1 MiB a message
constexpr int64_t kImportMs = 120'000;     // a file of 16 MiB takes seconds; past it the browser has given up
constexpr int kOffered = 1'000;
constexpr size_t kErrorsShown = 100;     // rows on a page; the file has all
constexpr size_t kErrorsKept = 100'000;  // as many as a file of that size has rows
constexpr size_t kMostColumns = 200;
constexpr int kExamples = 3;

// ---- 1. The file
// -------------------------------------------------------------------------------------------

Field Chooser(std::string id, std::string label, std::string hint, std::string none) {
  Field field{Field::Kind::kSelect, std::move(id), std::move(label), std::move(hint)};
  if (!none.empty()) field.choices.push_back({"", std::move(none), ""});
  return field;
}

std::string Words(const std::string& display_name, const std::string& name) {
  return display_name.empty() ? IdOf(name) : display_name;
}

absl::StatusOr<FormPage> FilePage(const Visit& visit) {
  v1::ListSourcesRequest sources;
  sources.set_page_size(kOffered);
  v1::ListSourcesResponse known;
  PHAROS_RETURN_IF_ERROR(visit.Call(sources, &known));
  v1::ListPurposesRequest purposes;
  purposes.set_page_size(kOffered);
  v1::ListPurposesResponse meant;
  PHAROS_RETURN_IF_ERROR(visit.Call(purposes, &meant));
  v1::ListAgreementsRequest agreements;
  agreements.set_page_size(kOffered);
  v1::ListAgreementsResponse agreed;
  PHAROS_RETURN_IF_ERROR(visit.Call(agreements, &agreed));
  Field source = Chooser("source", "Whose records are these?", "", "");
  for (const v1::Source& each : known.sources())
    if (IdOf(each.name()) != "direct" && IdOf(each.name()) != "stewards")
      source.choices.push_back({each.name(), Words(each.display_name(), each.name()), ""});
  Field purpose = Chooser("purpose", "What do its columns of consent speak of?", "Only needed if it has some",
                          "It has none");
  for (const v1::Purpose& each : meant.purposes())
    if (each.retire_time_us() == 0)
      purpose.choices.push_back({each.name(), Words(each.display_name(), each.name()), ""});
  Field agreement =
      Chooser("agreement", "Under which agreement?", "A partner needs one", "None: it is our own data");
  for (const v1::Agreement& each : agreed.agreements())
    if (each.end_time_us() == 0)
      agreement.choices.push_back({each.name(), Words(each.display_name(), each.name()), ""});
  FormPage page;
  page.title = "Bring in a contact file";
  page.back = "/console/partners";
  page.paragraphs = {
      "A CSV file of at most 16 megabytes, with the names of its columns in the first line. Nothing is "
      "stored before you have seen what "
      "would happen. Bring in a larger file by the command line."};
  page.fields = {{Field::Kind::kFile, "file", "Choose a file", ""}, source, purpose, agreement};
  return page;
}

absl::StatusOr<Reply> ShowFile(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const FormPage page, FilePage(visit));
  Model model = ModelOf(page);
  AddCopyAs(
      model,
      "pharos import quit.csv --source quit --consent-purpose stop-smoking --dry-run --errors rows.csv\n"
      "pharos import quit.csv --source quit --consent-purpose stop-smoking",
      "customer.v1.SourceService/ListSources", "{}");
  model["copy_as"] = Model::array({model["copy_as"][0]});  // an import streams both ways: not by JSON
  return Show("form", std::move(model));
}

std::string FileProblem(const FormFile* file) {
  if (file == nullptr || file->name.empty()) return "Choose a file";
  if (file->text.empty()) return fmt::format("{} is empty", file->name);
  if (file->text.find('\0') != std::string::npos)
    return fmt::format("{} is not a CSV file. In a spreadsheet, choose to save it as CSV UTF-8.", file->name);
  if (ColumnsOf(file->text, SeparatorOf(file->text)).size() > kMostColumns)
    return fmt::format("{} has more than {} columns", file->name, kMostColumns);
  return "";
}

absl::StatusOr<Reply> TakeFile(Visit& visit) {
  const FormFile* file = visit.form.File("file");
  const std::string problem = FileProblem(file);
  if (!problem.empty()) {
    PHAROS_ASSIGN_OR_RETURN(const FormPage page, FilePage(visit));
    return ShowFormErrors(Refilled(page, visit.form), {{"file", problem}});
  }
  auto upload = std::make_shared<Upload>();
  upload->id = base::NewId(visit.clock.WallMicros());
  upload->name = file->name;
  upload->text = file->text;
  for (const char* field : {"source", "purpose", "agreement"}) upload->said[field] = visit.form.Get(field);
  visit.sessions->KeepUpload(visit.session_id, std::move(upload));
  return Go("/console/partners/import/columns");
}

absl::StatusOr<std::shared_ptr<const Upload>> Kept(const Visit& visit) {
  auto upload = visit.sessions->FindUpload(visit.session_id);
  if (upload == nullptr)
    return base::MakeError(absl::StatusCode::kFailedPrecondition, "UPLOAD_GONE",
                           "Your file is not kept any more. Choose it again under Partners.");
  return upload;
}

// ---- 2. The columns
// -------------------------------------------------------------------------------------------

FormPage ColumnsPage(const Upload& upload) {
  FormPage page;
  page.title = fmt::format("What are the columns of {}?", upload.name);
  page.back = "/console/partners/import";
  page.button = "Check the file";
  const char separator = SeparatorOf(upload.text);
  const std::vector<std::string> columns = ColumnsOf(upload.text, separator);
  for (size_t i = 0; i < columns.size(); ++i) {
    Field field{Field::Kind::kSelect, fmt::format("column-{}", i),
                columns[i].empty() ? fmt::format("Column {} (without a name)", i + 1) : columns[i], ""};
    field.choices.push_back({"", "Leave it out", ""});
    for (const ContactColumn& each : ContactColumns()) field.choices.push_back({each.name, each.words, ""});
    const auto said = upload.said.find(field.id);
    field.value = said == upload.said.end() ? GuessColumn(columns[i]) : said->second;
    page.fields.push_back(std::move(field));
  }
  Field layout{Field::Kind::kSelect, "date_layout", "How are dates of birth written?", ""};
  layout.choices = {{"", "1980-03-27", ""},           {"dd/mm/yyyy", "27/03/1980", ""},
                    {"mm/dd/yyyy", "03/27/1980", ""}, {"yyyymmdd", "19800327", ""},
                    {"dd-mmm-yy", "27-Mar-80", ""},   {"dd-mmm-yyyy", "27-Mar-1980", ""}};
  Field words{Field::Kind::kRadios, "consent_words", "How is consent written?", ""};
  words.choices = {{"plain", "granted and withdrawn", ""},
                   {"yes", "yes and no, or Y and N", "No counts as withdrawn"}};
  words.value = "plain";
  page.fields.push_back(std::move(layout));
  page.fields.push_back(std::move(words));
  return page;
}

absl::StatusOr<Reply> ShowColumns(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const auto upload, Kept(visit));
  return ShowForm(ColumnsPage(*upload));
}

// ---- 3. What would happen, and doing it
// ------------------------------------------------------------------------

struct Outcome {
  v1::ImportProgress counts;
  std::vector<v1::RowError> errors;
};

v1::ImportHeader HeaderOf(const Upload& upload, bool check) {
  const auto said = [&](const char* field) {
    const auto at = upload.said.find(field);
    return at == upload.said.end() ? std::string() : at->second;
  };
  v1::ImportHeader header;
  header.set_source(said("source"));
  header.set_consent_purpose(said("purpose"));
  header.set_agreement(said("agreement"));
  header.set_validate_only(check);
  header.set_display_name(upload.name);
  const char separator = SeparatorOf(upload.text);
  *header.mutable_mapping() = MappingOf(ColumnsOf(upload.text, separator), separator, upload.said);
  return header;
}

absl::StatusOr<Outcome> Send(const Visit& visit, const Upload& upload, bool check) {
  std::vector<std::string> requests;
  v1::ImportContactsRequest request;
  *request.mutable_header() = HeaderOf(upload, check);
  requests.push_back(request.SerializeAsString());
  for (size_t at = 0; at < upload.text.size(); at += kChunkBytes) {
    request.set_data(upload.text.substr(at, kChunkBytes));
    requests.push_back(request.SerializeAsString());
  }
  Outcome outcome;
  bool ended = false;
  const absl::Status status = visit.backend.Exchange(
      visit.credential(), kMethod, requests,
      [&](const std::string& bytes) {
        v1::ImportContactsResponse response;
        if (!response.ParseFromString(bytes)) return absl::InternalError("the answer could not be read");
        if (response.has_row_error() && outcome.errors.size() < kErrorsKept)
          outcome.errors.push_back(response.row_error());
        if (response.has_summary()) outcome.counts = response.summary();
        ended = ended || response.has_summary();
        return absl::OkStatus();
      },
      kImportMs);
  if (!status.ok()) return status;
  if (!ended)
    return base::MakeError(
        absl::StatusCode::kUnavailable, "IMPORT_BROKEN",
        "The import ended without a summary. Send the same file again: what was stored stays as it is.");
  return outcome;
}

Section CountsOf(const Outcome& outcome, bool check) {
  Section section;
  section.facts = {{"Rows", {Thousands(outcome.counts.rows())}, "", ""},
                   {check ? "Would be stored" : "Stored", {Thousands(outcome.counts.stored())}, "", ""},
                   {"Known already", {Thousands(outcome.counts.unchanged())}, "", ""},
                   {"With errors", {Thousands(outcome.counts.rejected())}, "", ""}};
  if (outcome.counts.warnings() > 0)
    section.facts.push_back({"Cells that cannot be read",
                             {fmt::format("{}: kept as they came, for example a phone number too short",
                                          Thousands(outcome.counts.warnings()))},
                             "",
                             ""});
  return section;
}

Section ErrorsOf(const Outcome& outcome) {
  Section section;
  if (outcome.errors.empty()) return section;
  section.heading = "What needs to be put right";
  Table table{"Only rows with errors are shown", Heads({"Row", "Column", "What to do"}), {}, ""};
  for (const v1::RowError& error : outcome.errors) {
    if (table.rows.size() == kErrorsShown) break;
    table.rows.push_back({{Thousands(error.line())},
                          {error.column().empty() ? "The whole row" : FieldInWords(error.column())},
                          {Sentence(error.message())}});
  }
  if (outcome.errors.size() > kErrorsShown)
    section.paragraphs = {fmt::format("The first {} of {} are shown. The file has all of them.", kErrorsShown,
                                      Thousands(static_cast<int64_t>(outcome.errors.size())))};
  section.tables = {table};
  section.buttons = {{"Download the rows with errors", "/console/partners/import/errors.csv", true},
                     {"Upload your file again", "/console/partners/import", true}};
  return section;
}

Section ExamplesOf(const Upload& upload) {
  Section section;
  const char separator = SeparatorOf(upload.text);
  size_t at = 0;
  const auto header = HeaderOf(upload, true);
  const std::vector<std::string> columns = NextRow(upload.text, separator, at);
  Table table{"How the first rows are read", Heads({"What", "First row", "Second row", "Third row"}), {}, ""};
  std::vector<std::vector<std::string>> rows;
  while (at < upload.text.size() && rows.size() < kExamples)
    rows.push_back(NextRow(upload.text, separator, at));
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto ours = upload.said.find(fmt::format("column-{}", i));
    if (ours == upload.said.end() || ours->second.empty()) continue;
    Row row = {{FieldInWords(ours->second)}};
    for (size_t r = 0; r < kExamples; ++r)
      row.push_back({r < rows.size() && i < rows[r].size() ? rows[r][i] : ""});
    table.rows.push_back(std::move(row));
  }
  section.tables = {table};
  return section;
}

absl::StatusOr<Reply> Check(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const auto upload, Kept(visit));
  auto said = std::make_shared<Upload>(*upload);
  for (const auto& [field, values] : visit.form.values())
    if (field.starts_with("column-") || field == "date_layout" || field == "consent_words")
      said->said[field] = values.front();
  const FormPage page = Refilled(ColumnsPage(*said), visit.form);
  const std::string problem = MappingProblem(HeaderOf(*said, true).mapping());
  if (!problem.empty()) return ShowFormErrors(page, {{"column-0", problem}});
  visit.sessions->KeepUpload(visit.session_id, said);
  auto outcome = Send(visit, *said, true);
  if (!outcome.ok()) return Settle(visit, page, outcome.status(), "", "");
  const bool all = outcome->counts.rejected() == 0;
  std::vector<Section> sections = {CountsOf(*outcome, true), ErrorsOf(*outcome), ExamplesOf(*said)};
  Model model = PageModel(
      all ? fmt::format("{} is ready", said->name) : fmt::format("There’s a problem with {}", said->name),
      sections, "/console/partners/import/columns");
  if (outcome->counts.stored() > 0) {
    Model form = {{"form_path", "/console/partners/import/run"}, {"fields", Model::array()}};
    FormPage hidden;
    Field id{Field::Kind::kHidden, "upload"};
    id.value = said->id;
    hidden.fields = {id};
    form["fields"] = ModelOf(hidden)["fields"];
    form["submits"] = {{{"name", "go"},
                        {"value", "1"},
                        {"quiet", !all},
                        {"danger", false},
                        {"words", all ? fmt::format("Bring in {} rows", Thousands(outcome->counts.stored()))
                                      : fmt::format("Bring in the {} rows without errors",
                                                    Thousands(outcome->counts.stored()))}}};
    model["forms"] = Model::array({form});
  }
  return Show("sections", std::move(model));
}

absl::StatusOr<Reply> Run(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const auto upload, Kept(visit));
  if (visit.form.Get("upload") != upload->id)
    return base::MakeError(absl::StatusCode::kFailedPrecondition, "UPLOAD_GONE",
                           "You have chosen another file since. Check that one, or choose this one again.");
  PHAROS_ASSIGN_OR_RETURN(const Outcome outcome, Send(visit, *upload, false));
  std::vector<Section> sections = {CountsOf(outcome, false), ErrorsOf(outcome)};
  sections.emplace_back();
  sections.back().buttons = {{"Bring in another file", "/console/partners/import", true}};
  return Show("sections",
              PageModel(fmt::format("{} was brought in", upload->name), sections, "/console/partners"));
}

absl::StatusOr<Reply> DownloadErrors(Visit& visit) {
  PHAROS_ASSIGN_OR_RETURN(const auto upload, Kept(visit));
  PHAROS_ASSIGN_OR_RETURN(const Outcome outcome, Send(visit, *upload, true));
  return Download("rows-with-errors.csv", "text/csv; charset=utf-8",
                  RefusedRows(upload->text, SeparatorOf(upload->text), outcome.errors));
}

}  // namespace

void AddImportPages(Routes& routes) {
  routes.Get("/console/partners/import", "records.import", &ShowFile);
  routes.Post("/console/partners/import", "records.import", &TakeFile);
  routes.Get("/console/partners/import/columns", "records.import", &ShowColumns);
  routes.Post("/console/partners/import/columns", "records.import", &Check);
  routes.Post("/console/partners/import/run", "records.import", &Run);
  routes.Get("/console/partners/import/errors.csv", "records.import", &DownloadErrors);
}

}  // namespace pharos::edge::console
