#include "connectors/sdk/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "services/base/errors.h"
#include "services/base/text.h"
#include "services/config/config.h"

namespace pharos::sdk {
namespace {

absl::Status NoSuchConnector(const config::Config& config, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, table] : config.connectors) names.push_back(known);
  std::string nearest = base::Nearest(name, names);
  return base::MakeError(
      absl::StatusCode::kInvalidArgument, "CONNECTOR_UNKNOWN",
      nearest.empty()
          ? fmt::format("{} has no [connectors.{}]; add it, or give --name", config.file, name)
          : fmt::format("{} has no [connectors.{}]; did you mean --name={}?", config.file, name, nearest));
}

std::string FolderOf(const std::string& file) {
  std::error_code ignored;
  std::string folder = std::filesystem::absolute(file, ignored).parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

const char kSettingsHelp[] =
    "  --config=pharos.toml        take [connectors.NAME] of this file for what is not given here\n"
    "  --dispatch=127.0.0.1:7400   where dispatch listens (default: what the file says)\n"
    "  --token-file=FILE           bearer token of this connector, on the first line\n";

absl::StatusOr<Flags> ReadSettings(int argc, char** argv, std::vector<std::string> own,
                                   const std::string& name) {
  for (const char* shared : {"help", "config", "name", "dispatch", "token-file"}) own.push_back(shared);
  PHAROS_ASSIGN_OR_RETURN(Flags flags, Flags::Parse(argc, argv, own));
  if (flags.Has("help") || !flags.Has("config")) return flags;
  PHAROS_ASSIGN_OR_RETURN(config::Config config, config::Load(flags.Text("config", "")));
  const std::string named = flags.Text("name", name);
  auto table = config.connectors.find(named);
  if (table == config.connectors.end()) return NoSuchConnector(config, named);
  std::vector<std::string> files;
  for (const auto& flag : own)
    if (flag.size() > 5 && flag.compare(flag.size() - 5, 5, "-file") == 0) files.push_back(flag);
  PHAROS_RETURN_IF_ERROR(flags.Beneath(table->second,
                                       fmt::format("[connectors.{}] of {}", named, config.file), own, files,
                                       FolderOf(flags.Text("config", ""))));
  flags.Default("dispatch", config.AddressOf("dispatch"));
  return flags;
}

}  // namespace pharos::sdk
