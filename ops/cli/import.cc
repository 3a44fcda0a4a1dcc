// pharos import: a contact file, with each row that was not stored named in plain words.
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/import_client.h"
#include "ops/cli/rejected_rows.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"
#include "services/config/mapping_file.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int64_t kShownRowErrors = 20;
constexpr auto kPause = std::chrono::milliseconds(300);

// Row errors: kept for a file of the rejected rows if one was asked for, else the first few in words.
class RowErrors {
 public:
  RowErrors(Output& out, std::string file) : out_(out), file_(std::move(file)) {}
  void Add(const RowError& error) {
    ++count_;
    if (!file_.empty()) {
      rejected_[error.line()] = {error.column(), error.reason(), error.message()};
    } else if (count_ <= kShownRowErrors) {
      out_.Warn(fmt::format("line {}{}: {} [{}]", error.line(),
                            error.column().empty() ? "" : ", column " + error.column(), error.message(),
                            error.reason()));
    }
  }
  // The rows that were not stored, as they came, with the reason in front.
  absl::Status Write(const std::string& contacts, char separator) const {
    if (file_.empty()) return absl::OkStatus();
    std::ifstream from(contacts, std::ios::binary);
    std::ofstream to(file_, std::ios::binary | std::ios::trunc);
    WriteRejectedRows(from, rejected_, separator, to);
    return to.flush() ? absl::OkStatus() : UsageError(fmt::format("The file {} cannot be written.", file_));
  }
  int64_t hidden() const {
    return !file_.empty() || count_ <= kShownRowErrors ? 0 : count_ - kShownRowErrors;
  }

 private:
  Output& out_;
  const std::string file_;
  std::map<int64_t, Rejection> rejected_;  // by line
  int64_t count_ = 0;
};

std::string Counts(const ImportProgress& p) {
  return fmt::format("{} rows: {} stored, {} unchanged, {} rejected", Thousands(p.rows()),
                     Thousands(p.stored()), Thousands(p.unchanged()), Thousands(p.rejected()));
}

ImportMapping MappingOf(const config::MappingFile& file) {
  ImportMapping mapping;
  mapping.set_separator(file.separator);
  mapping.mutable_ignore()->Assign(file.ignore.begin(), file.ignore.end());
  for (const auto& [ours, how] : file.columns) {
    auto& column = (*mapping.mutable_columns())[ours];
    column.mutable_from()->Assign(how.from.begin(), how.from.end());
    column.set_constant(how.constant);
    column.set_date(how.date);
    column.mutable_values()->insert(how.values.begin(), how.values.end());
  }
  return mapping;
}

absl::StatusOr<ImportHeader> HeaderOf(const Args& args) {
  ImportHeader header;
  header.set_source(Name("sources", args.Get("source")));
  header.set_consent_purpose(Name("purposes", args.Get("consent-purpose")));
  header.set_validate_only(args.Has("dry-run"));
  header.set_display_name(Short(args.Operand(0)));
  header.set_agreement(Name("agreements", args.Get("agreement")));
  if (args.Has("mapping")) {
    PHAROS_ASSIGN_OR_RETURN(const config::MappingFile mapping, config::LoadMapping(args.Get("mapping")));
    *header.mutable_mapping() = MappingOf(mapping);
  }
  return header;
}

char SeparatorOf(const ImportHeader& header) {
  const std::string& separator = header.mapping().separator();
  return separator.empty() ? ',' : separator[0];
}

// One sending of the whole file. Sending it again is safe: rows that are stored count as unchanged.
absl::StatusOr<ImportProgress> SendOnce(Context& c, const ImportHeader& header) {
  std::ifstream file(c.args.Operand(0), std::ios::binary);
  if (!file) return UsageError(fmt::format("The file {} cannot be read.", c.args.Operand(0)));
  RowErrors errors(c.out, c.args.Get("errors"));
  PHAROS_RETURN_IF_ERROR(errors.Write("/dev/null", ','));  // that it can be written, before anything is sent
  auto last = std::chrono::steady_clock::now();
  ImportCallbacks callbacks;
  callbacks.on_row_error = [&](const RowError& error) { errors.Add(error); };
  callbacks.on_progress = [&](const ImportProgress& progress) {
    auto now = std::chrono::steady_clock::now();
    if (now - last < (c.out.terminal() ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000)))
      return;
    last = now;
    c.out.Progress(Counts(progress));
  };
  auto summary = ImportContacts(c.client, header, file, callbacks);
  PHAROS_RETURN_IF_ERROR(errors.Write(c.args.Operand(0), SeparatorOf(header)));
  if (errors.hidden() > 0) {
    c.out.Warn(
        fmt::format("… and {} more rows. Use --errors FILE to have them all.", Thousands(errors.hidden())));
  }
  return summary;
}

absl::Status Import(Context& c) {
  PHAROS_ASSIGN_OR_RETURN(ImportHeader header, HeaderOf(c.args));
  auto give_up =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(c.client.options().patience_s);
  auto summary = SendOnce(c, header);
  while (absl::IsUnavailable(summary.status()) && std::chrono::steady_clock::now() < give_up) {
    c.out.Say("The connection broke; sending the file again. Rows that were stored count as unchanged.");
    std::this_thread::sleep_for(kPause);
    summary = SendOnce(c, header);
  }
  if (!summary.ok()) return summary.status();
  if (c.out.json()) {
    c.out.Json(*summary);
    return absl::OkStatus();
  }
  c.out.Data(fmt::format("{}{}", c.args.Has("dry-run") ? "Dry run, nothing stored. " : "", Counts(*summary)));
  if (summary->warnings() > 0) {
    c.out.Say(fmt::format(
        "{} cells were kept as received but could not be read (for example a phone number too short).",
        Thousands(summary->warnings())));
  }
  if (summary->rejected() > 0) {
    c.out.Say(c.args.Has("errors")
                  ? fmt::format("Mend the rows in {} and send that file.", c.args.Get("errors"))
                  : "Mend the rows named above and send the same file again.");
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> ImportCommands() {
  return {
      {"import",
       "",
       "FILE",
       "Import a contact file (CSV, UTF-8, first line the column names).",
       {"import quit.csv --source quit --consent-purpose stop-smoking",
        "import quit.csv --source quit --consent-purpose stop-smoking --dry-run --errors rows.csv",
        "import clients.csv --source leeds --agreement leeds-2026 --mapping leeds.toml"},
       {{"source", "SOURCE", "whose records these are", true},
        {"consent-purpose", "PURPOSE", "what the columns consent_sms and consent_email speak of"},
        {"dry-run", "", "check everything, store nothing"},
        {"mapping", "FILE", "where the file's columns differ from ours (TOML)"},
        {"agreement", "AGREEMENT", "under which it is brought; a partner needs one"},
        {"errors", "FILE", "write the rows that were not stored, as they came, with the reason in front"}},
       Import}};
}

}  // namespace pharos::cli
