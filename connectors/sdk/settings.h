// A connector's settings: its command line, over [connectors.<name>] of pharos.toml (--config, --name), over
// defaults.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "connectors/sdk/flags.h"

namespace pharos::sdk {

// `own` are the connector's own flags; config, name, dispatch, token-file and help are known besides. Without
// --config only the command line counts. With it --name must be one of the file's connectors, and --dispatch
// defaults to the file's address of dispatch. Names of files in the table (flags that end in "-file") are
// relative to the file's folder. INVALID_ARGUMENT: FLAG_UNKNOWN, CONNECTOR_UNKNOWN, CONFIG_WRONG.
absl::StatusOr<Flags> ReadSettings(int argc, char** argv, std::vector<std::string> own,
                                   const std::string& name);

// What every connector prints about them in --help.
extern const char kSettingsHelp[];

}  // namespace pharos::sdk
