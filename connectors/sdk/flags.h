// Flags of a connector: of its command line (--name=value, --name value, or --name for a switch), over those
// of its table in pharos.toml.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"

namespace pharos::sdk {

class Flags {
 public:
  // INVALID_ARGUMENT (FLAG_UNKNOWN), naming the nearest known one, for anything that is not in `known`.
  static absl::StatusOr<Flags> Parse(int argc, char** argv, const std::vector<std::string>& known);
  // What the command line leaves open is taken from `values`; `where` names them in errors, e.g.
  // "[connectors.smtp-main] of pharos.toml". Relative names of files (flags in `files`) are relative to
  // `folder`. "protocol" is no flag and passed over. INVALID_ARGUMENT (FLAG_UNKNOWN) as above.
  absl::Status Beneath(const std::map<std::string, std::string>& values, const std::string& where,
                       const std::vector<std::string>& known, const std::vector<std::string>& files,
                       const std::string& folder);
  // Taken if the flag was not given.
  void Default(const std::string& name, const std::string& value) { values_.emplace(name, value); }

  bool Has(std::string_view name) const { return values_.count(std::string(name)) > 0; }
  std::string Text(std::string_view name, std::string_view otherwise) const;
  // True for --name, --name=true, --name=1, --name=yes.
  bool On(std::string_view name) const;
  // INVALID_ARGUMENT (FLAG_WRONG) if it is no whole number in least…most.
  absl::StatusOr<int64_t> Number(std::string_view name, int64_t otherwise, int64_t least, int64_t most) const;

 private:
  std::unordered_map<std::string, std::string> values_;
};

// First line of a file, trimmed. INVALID_ARGUMENT (FILE_UNREADABLE) names the file.
absl::StatusOr<std::string> FirstLineOf(const std::string& file);
// "HOST:PORT" into its parts. INVALID_ARGUMENT (FLAG_WRONG).
absl::StatusOr<std::pair<std::string, int>> HostPort(std::string_view text);

}  // namespace pharos::sdk
