// What a command says: data on standard output, talk on standard error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace pharos::cli {

class Output {
 public:
  Output(bool json, bool quiet);

  bool json() const { return json_; }
  // One line of data.
  void Data(std::string_view line);
  // A message as one line of JSON with the field names of the proto; 64-bit numbers are strings, as protobuf
  // JSON has them.
  void Json(const google::protobuf::Message& message);
  // Talk; not said with --quiet or --json.
  void Say(std::string_view line);
  // Talk that the next such line replaces on a terminal; elsewhere each is printed once in a while by its
  // caller.
  void Progress(std::string_view line);
  // Not silenced by --quiet: the user has to do something.
  void Warn(std::string_view line);
  // An error with its reason and next step.
  void Error(const absl::Status& status);

  bool terminal() const { return terminal_; }
  // Bold on a terminal, unless NO_COLOR is set.
  std::string Bold(std::string_view text) const;

 private:
  void EndProgress();
  const bool json_, quiet_, terminal_, colour_;
  bool in_progress_ = false;
};

// A table with aligned columns; columns whose cells are all numbers stand to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void Print(Output& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "1234567" → "1,234,567".
std::string Thousands(int64_t number);
// Exit code of a status: 0, 1, 2, 3, 4, 5, 6, 75.
int ExitCode(const absl::Status& status);

}  // namespace pharos::cli
