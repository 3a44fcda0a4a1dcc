// The edge's settings, from pharos.toml.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/config/config.h"
#include "services/edge/edge_handler.h"

namespace pharos::edge {

// The first word of a file that only its owner may read. CONFIG_WRONG names the file.
absl::StatusOr<std::string> ReadSecret(const std::string& setting, const std::string& file);

// All tokens and keys of [edge.callbacks] and [edge.signed]. CONFIG_WRONG.
absl::StatusOr<CallbackSecrets> ReadSecrets(const config::Edge& edge);

}  // namespace pharos::edge
