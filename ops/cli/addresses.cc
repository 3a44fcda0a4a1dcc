#include "ops/cli/addresses.h"

#include <cstdlib>

#include "services/base/errors.h"
#include "services/config/config.h"

namespace pharos::cli {

std::string FromEnvironment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::string ConfigFileOf(const Args& args) {
  return args.Get("config", FromEnvironment("PHAROS_CONFIG", ""));
}

absl::Status SetAddresses(const Args& args, ClientOptions& options) {
  options.server = args.Get("server", FromEnvironment("PHAROS_SERVER", "127.0.0.1:7443"));
  const std::string file = ConfigFileOf(args);
  const bool from_shell = !args.Has("config") && !FromEnvironment("PHAROS_SERVER", "").empty();
  if (file.empty() || args.Has("server") || from_shell) return absl::OkStatus();
  PHAROS_ASSIGN_OR_RETURN(config::Config config, config::Load(file));
  options.server = config.listen;
  for (std::string_view service : config::kServices)
    options.addresses[std::string(service)] = config.AddressOf(service);
  return absl::OkStatus();
}

}  // namespace pharos::cli
