#include "ops/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::cli {
namespace {

bool IsNumber(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789,.-") == std::string::npos;
}

size_t Width(std::string_view text) {  // characters, not bytes
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

std::string NextStep(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return "Is pharosd running there? Set --server or PHAROS_SERVER, or try again in a moment.";
    case absl::StatusCode::kUnauthenticated:
      return "Give your token with --token-file FILE or PHAROS_TOKEN_FILE.";
    case absl::StatusCode::kDeadlineExceeded:
      return "Try again with the same --request-id: a change that was made is not made twice.";
    default:
      return "";
  }
}

}  // namespace

Output::Output(bool json, bool quiet)
    : json_(json),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) == 1),
      colour_(isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr) {}

void Output::EndProgress() {
  if (in_progress_) std::fputc('\n', stderr);
  in_progress_ = false;
}

void Output::Data(std::string_view line) {
  EndProgress();
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

void Output::Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (google::protobuf::util::MessageToJsonString(message, &text, options).ok()) Data(text);
}

void Output::Say(std::string_view line) {
  if (!quiet_ && !json_) Warn(line);
}

void Output::Progress(std::string_view line) {
  if (quiet_ || json_) return;
  if (!terminal_) return Warn(line);
  std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(line.size()), line.data());
  in_progress_ = true;
}

void Output::Warn(std::string_view line) {
  EndProgress();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

void Output::Error(const absl::Status& status) {
  std::string reason = base::ReasonOf(status);
  std::string message(status.message().data(), status.message().size());
  if (message.empty()) message = "The server gave no message.";
  Warn(fmt::format("pharos: {}{}", message, reason.empty() ? "" : fmt::format(" [{}]", reason)));
  if (auto facts = base::FactsOf(status)) {
    for (const auto& violation : facts->violations)
      Warn(fmt::format("  {}: {}", violation.field, violation.description));
    if (facts->retry_after_ms > 0)
      Warn(fmt::format("  Try again in {:.1f} s.", facts->retry_after_ms / 1000.0));
  }
  if (std::string next = NextStep(status.code()); !next.empty()) Warn("  " + next);
}

std::string Output::Bold(std::string_view text) const {
  return colour_ ? fmt::format("\033[1m{}\033[0m", text) : std::string(text);
}

void Table::Print(Output& out) const {
  size_t columns = rows_[0].size();
  std::vector<size_t> widths(columns, 0);
  std::vector<bool> right(columns, rows_.size() > 1);
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (size_t c = 0; c < columns; ++c) {
      widths[c] = std::max(widths[c], Width(rows_[r][c]));
      if (r > 0 && !IsNumber(rows_[r][c])) right[c] = false;
    }
  }
  for (size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < columns; ++c) {
      std::string gap(widths[c] - Width(rows_[r][c]), ' ');
      line += (c > 0 ? "  " : "") + (right[c] ? gap + rows_[r][c] : rows_[r][c] + gap);
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out.Data(r == 0 ? out.Bold(line) : line);
  }
}

std::string Thousands(int64_t number) {
  std::string digits = std::to_string(number < 0 ? -number : number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return (number < 0 ? "-" : "") + digits;
}

int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 2;
    case absl::StatusCode::kNotFound:
      return 3;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return 4;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 5;
    case absl::StatusCode::kFailedPrecondition:
      return 6;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
      return 75;
    default:
      return 1;
  }
}

}  // namespace pharos::cli
