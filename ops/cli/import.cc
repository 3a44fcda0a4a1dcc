// pharos import: a contact file, with each row that was not stored named in plain words.
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "fmt/format.h"
#include "ops/cli/command.h"
#include "ops/cli/import_client.h"
#include "ops/cli/words.h"
#include "services/base/errors.h"

namespace pharos::cli {
namespace {

using namespace customer::v1;

constexpr int64_t kShownRowErrors = 20;
constexpr auto kPause = std::chrono::milliseconds(300);

std::string Quoted(std::string_view cell) {
  std::string text = "\"";
  for (char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

// Row errors: to a CSV file if one was asked for, else the first few in words.
class RowErrors {
 public:
  RowErrors(Output& out, const std::string& file) : out_(out) {
    if (file.empty()) return;
    file_.open(file, std::ios::trunc);
    file_ << "line,column,reason,message,record_id\n";
  }
  bool ok() const { return static_cast<bool>(file_); }
  void Add(const RowError& error) {
    ++count_;
    if (file_.is_open()) {
      file_ << error.line() << ',' << Quoted(error.column()) << ',' << error.reason() << ','
            << Quoted(error.message()) << ',' << Quoted(error.record_id()) << '\n';
    } else if (count_ <= kShownRowErrors) {
      out_.Warn(fmt::format("line {}{}: {} [{}]", error.line(),
                            error.column().empty() ? "" : ", column " + error.column(), error.message(),
                            error.reason()));
    }
  }
  void Flush() { file_.flush(); }
  int64_t hidden() const {
    return file_.is_open() || count_ <= kShownRowErrors ? 0 : count_ - kShownRowErrors;
  }

 private:
  Output& out_;
  std::ofstream file_;
  int64_t count_ = 0;
};

std::string Counts(const ImportProgress& p) {
  return fmt::format("{} rows: {} stored, {} unchanged, {} rejected", Thousands(p.rows()),
                     Thousands(p.stored()), Thousands(p.unchanged()), Thousands(p.rejected()));
}

absl::StatusOr<ImportHeader> HeaderOf(const Args& args) {
  ImportHeader header;
  header.set_source(Name("sources", args.Get("source")));
  header.set_consent_purpose(Name("purposes", args.Get("consent-purpose")));
  header.set_validate_only(args.Has("dry-run"));
  header.set_display_name(Short(args.Operand(0)));
  return header;
}

// One sending of the whole file. Sending it again is safe: rows that are stored count as unchanged.
absl::StatusOr<ImportProgress> SendOnce(Context& c, const ImportHeader& header) {
  std::ifstream file(c.args.Operand(0), std::ios::binary);
  if (!file) return UsageError(fmt::format("The file {} cannot be read.", c.args.Operand(0)));
  RowErrors errors(c.out, c.args.Get("errors"));
  if (!errors.ok()) return UsageError(fmt::format("The file {} cannot be written.", c.args.Get("errors")));
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
  errors.Flush();
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
  if (summary->rejected() > 0) c.out.Say("Mend the rows named above and send the same file again.");
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> ImportCommands() {
  return {{"import",
           "",
           "FILE",
           "Import a contact file (CSV, UTF-8, first line the column names).",
           {"import quit.csv --source quit --consent-purpose stop-smoking",
            "import quit.csv --source quit --consent-purpose stop-smoking --dry-run --errors rows.csv"},
           {{"source", "SOURCE", "whose records these are", true},
            {"consent-purpose", "PURPOSE", "what the columns consent_sms and consent_email speak of"},
            {"dry-run", "", "check everything, store nothing"},
            {"errors", "FILE", "write every row that was not stored, with line and reason, as CSV"}},
           Import}};
}

}  // namespace pharos::cli
