#include "connectors/sdk/flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "services/base/errors.h"
#include "services/base/text.h"

namespace pharos::sdk {
namespace {

absl::Status Wrong(std::string_view reason, const std::string& message) {
  return base::MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

bool ReadNumber(std::string_view text, int64_t& value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

absl::StatusOr<Flags> Flags::Parse(int argc, char** argv, const std::vector<std::string>& known) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word.substr(0, 2) != "--")
      return Wrong("FLAG_UNKNOWN", fmt::format("'{}' is no flag; write --name=value, or --help", word));
    word.remove_prefix(2);
    size_t equals = word.find('=');
    std::string name(word.substr(0, equals));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string nearest = base::Nearest(name, known);
      return Wrong("FLAG_UNKNOWN",
                   nearest.empty() ? fmt::format("there is no flag --{}; see --help", name)
                                   : fmt::format("there is no flag --{}; did you mean --{}?", name, nearest));
    }
    if (equals != std::string_view::npos)
      flags.values_[name] = std::string(word.substr(equals + 1));
    else if (i + 1 < argc && std::string_view(argv[i + 1]).substr(0, 2) != "--")
      flags.values_[name] = argv[++i];
    else
      flags.values_[name] = "true";
  }
  return flags;
}

absl::Status Flags::Beneath(const std::map<std::string, std::string>& values, const std::string& where,
                            const std::vector<std::string>& known, const std::vector<std::string>& files,
                            const std::string& folder) {
  for (const auto& [name, value] : values) {
    if (name == "protocol") continue;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string nearest = base::Nearest(name, known);
      return Wrong("FLAG_UNKNOWN", fmt::format("{}: there is no setting '{}'; {}", where, name,
                                               nearest.empty() ? "see --help of the connector"
                                                               : fmt::format("did you mean '{}'?", nearest)));
    }
    bool relative = std::find(files.begin(), files.end(), name) != files.end() && !value.empty() &&
                    value[0] != '/' && !folder.empty();
    values_.emplace(name, relative ? folder + "/" + value : value);
  }
  return absl::OkStatus();
}

std::string Flags::Text(std::string_view name, std::string_view otherwise) const {
  auto it = values_.find(std::string(name));
  return it == values_.end() ? std::string(otherwise) : it->second;
}

bool Flags::On(std::string_view name) const {
  std::string value = base::LowerAscii(Text(name, "false"));
  return value == "true" || value == "1" || value == "yes";
}

absl::StatusOr<int64_t> Flags::Number(std::string_view name, int64_t otherwise, int64_t least,
                                      int64_t most) const {
  if (!Has(name)) return otherwise;
  int64_t value = 0;
  if (!ReadNumber(Text(name, ""), value) || value < least || value > most)
    return Wrong("FLAG_WRONG", fmt::format("--{} must be a whole number from {} to {}", name, least, most));
  return value;
}

absl::StatusOr<std::string> FirstLineOf(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  if (!in || !std::getline(in, line))
    return Wrong("FILE_UNREADABLE",
                 fmt::format("cannot read a line from {}; check that it exists and may be read", file));
  return std::string(base::TrimAscii(line));
}

absl::StatusOr<std::pair<std::string, int>> HostPort(std::string_view text) {
  size_t colon = text.rfind(':');
  int64_t port = -1;
  if (colon == std::string_view::npos || colon == 0 || !ReadNumber(text.substr(colon + 1), port) ||
      port < 0 || port > 65535)
    return Wrong("FLAG_WRONG", fmt::format("'{}' is not HOST:PORT, e.g. 127.0.0.1:2775", text));
  return std::pair<std::string, int>(std::string(text.substr(0, colon)), static_cast<int>(port));
}

}  // namespace pharos::sdk
