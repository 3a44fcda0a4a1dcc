// The command line: `pharos NOUN [VERB] [OPERAND…] [--option[=value]…]`. Options may stand anywhere; "--"
// ends them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::cli {

// An option that a command takes. `value` is the word shown for its value; empty: a switch without one.
struct Option {
  std::string name;   // without "--"
  std::string value;  // "FILE"
  std::string help;
  bool required = false;
  bool repeated = false;
};

class Args {
 public:
  // Sorts words into options and operands. INVALID_ARGUMENT (USAGE) for an unknown option (names the
  // nearest), a value that is missing or not wanted, or a required option left out.
  static absl::StatusOr<Args> Parse(const std::vector<std::string>& words,
                                    const std::vector<Option>& options);

  bool Has(std::string_view option) const { return values_.count(std::string(option)) > 0; }
  // The (last) value; `otherwise` if the option was not given.
  std::string Get(std::string_view option, std::string_view otherwise = "") const;
  // All values of a repeated option, in order.
  std::vector<std::string> All(std::string_view option) const;
  const std::vector<std::string>& operands() const { return operands_; }
  // The operand at `index`, "" if there is none.
  std::string Operand(size_t index) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> operands_;
};

// INVALID_ARGUMENT with reason USAGE: the command line was wrong.
absl::Status UsageError(std::string_view message);

// The number of an option; `otherwise` if it was not given. USAGE for anything that is no whole number from 0
// up.
absl::StatusOr<int64_t> NumberOf(const Args& args, std::string_view option, int64_t otherwise);
// The text of the file that an option names, without line ends at its end. USAGE if it cannot be read.
absl::StatusOr<std::string> FileOf(const Args& args, std::string_view option);

}  // namespace pharos::cli
