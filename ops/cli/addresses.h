// Where services listen, by the command line, the environment and pharos.toml.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "ops/cli/args.h"
#include "ops/cli/client.h"

namespace pharos::cli {

std::string FromEnvironment(const char* name, const char* otherwise);
// --config, else PHAROS_CONFIG, else "".
std::string ConfigFileOf(const Args& args);
// Sets server and addresses: --server, else --config, else PHAROS_SERVER, else PHAROS_CONFIG, else the
// default. What was said on the command line goes before what the shell holds. INVALID_ARGUMENT
// (CONFIG_WRONG).
absl::Status SetAddresses(const Args& args, ClientOptions& options);

}  // namespace pharos::cli
